"""A token's facts as they lie in the store: compact JSON with readable names, without what is empty."""

from __future__ import annotations

from functools import lru_cache
from sys import intern

from gateway.oauth.values import TokenFacts
from gateway.store.record import Record, write_record

_NOTHING: dict[str, str] = {}
"""Facts are never changed."""


def write_facts(facts: TokenFacts) -> str:
    """The record of a token."""
    return write_record(
        {
            "client": facts.client,
            "scope": " ".join(facts.scopes),
            "aud": facts.audience,
            "sub": facts.subject,
            "iat": facts.issued,
            "exp": facts.expires,
            "grant": facts.grant,
            "source": None if facts.source == "file" else facts.source,
            "user": facts.user,
            "extra": facts.extra,
            "cnf": facts.cnf,
            "tier": facts.tier,
        }
    )


def read_facts(data: bytes) -> TokenFacts | None:
    """The facts in a record; None where any part of it is not what it should be.

    A worker remembers many of them: what they have in common they share.
    """
    try:
        record = Record.parse(data)
        return TokenFacts(
            client=intern(record.text("client")),
            scopes=_scopes(record.text("scope", "")),
            audience=record.texts("aud"),
            subject=intern(record.text("sub", "")),
            issued=record.whole("iat"),
            expires=record.whole("exp"),
            grant=intern(record.text("grant", "")),
            source=intern(record.text("source", "file")),
            user=record.text_or_none("user"),
            extra=record.text_map("extra") or _NOTHING,
            cnf=record.text_map("cnf") or _NOTHING,
            tier=record.text_or_none("tier"),
        )
    except (ValueError, TypeError):
        return None


@lru_cache(maxsize=1024)
def _scopes(text: str) -> tuple[str, ...]:
    return tuple(map(intern, text.split()))
