"""A token's facts as they lie in the store: compact JSON with readable names, without what is empty."""

from __future__ import annotations

from gateway.oauth.values import TokenFacts
from gateway.store.record import Record, write_record


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
    """The facts in a record; None where any part of it is not what it should be."""
    try:
        record = Record.parse(data)
        return TokenFacts(
            client=record.text("client"),
            scopes=tuple(record.text("scope", "").split()),
            audience=record.texts("aud"),
            subject=record.text("sub", ""),
            issued=record.whole("iat"),
            expires=record.whole("exp"),
            grant=record.text("grant", ""),
            source=record.text("source", "file"),
            user=record.text_or_none("user"),
            extra=record.text_map("extra"),
            cnf=record.text_map("cnf"),
            tier=record.text_or_none("tier"),
        )
    except (ValueError, TypeError):
        return None
