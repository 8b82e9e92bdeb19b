"""A token's facts as they lie in the store: compact JSON with readable names, without what is empty."""

from __future__ import annotations

import re
from sys import intern

from gateway.oauth.model import TokenInfo
from gateway.runtime.caches import MIB, cached, cached_unchecked, register
from gateway.store.json_record import JsonRecord, write_record

USER_GRANTS = frozenset({"password", "refresh_token"})
"""The grants whose tokens are always for a user whom the gateway knows, where they are for a user."""
_NOTHING: dict[str, str] = {}
"""Facts are never changed."""


def write_token_info(facts: TokenInfo) -> str:
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
            "uid": facts.user_id,
            "ugen": facts.user_generation,
            "extra": facts.extra,
            "cnf": facts.cnf,
            "tier": facts.tier,
        }
    )


class RecordTemplate:
    """The record of tokens with these facts, but for their times."""

    __slots__ = ("_after", "_before")

    def __init__(self, facts: TokenInfo) -> None:
        record = write_token_info(facts.at(_NO_TIME, _NO_TIME)).encode("utf-8", "surrogatepass")
        self._before, _, self._after = record.partition(_NO_TIMES)

    def at(self, issued: int, expires: int) -> bytes:
        """The record of a token with these times."""
        return b'%s,"iat":%d,"exp":%d%s' % (self._before, issued, expires, self._after)


def read_token_info(data: bytes) -> TokenInfo | None:
    """The facts in a record; None where any part of it is not what it should be, or it is of an earlier
    version and names a user without an id: nobody knows whether that user is still the one of that name.

    A worker remembers many of them: what they have in common they share.
    """
    times = _TIMES.search(data)
    if times is None or len(data) > _ALIKE.key_bytes:
        return _read(data)
    alike = _read_alike(data[: times.start()] + _NO_TIMES + data[times.end() :])
    # A second member of that name would count in place of the first.
    if alike is None or not alike.issued == alike.expires == _NO_TIME:
        return _read(data)
    return alike.at(int(times[1]), int(times[2]))


def _read(data: bytes) -> TokenInfo | None:
    try:
        record = JsonRecord.parse(data)
        facts = TokenInfo(
            client=intern(record.text("client")),
            scopes=_scopes(record.text("scope", "")),
            audience=record.texts("aud"),
            subject=intern(record.text("sub", "")),
            issued=record.whole("iat"),
            expires=record.whole("exp"),
            grant=intern(record.text("grant", "")),
            source=intern(record.text("source", "file")),
            user=record.text_or_none("user"),
            user_id=record.text_or_none("uid"),
            user_generation=record.text("ugen", ""),
            extra=record.text_map("extra") or _NOTHING,
            cnf=record.text_map("cnf") or _NOTHING,
            tier=record.text_or_none("tier"),
        )
    except (ValueError, TypeError):
        return None
    return None if _names_user_without_id(facts) else facts


def _names_user_without_id(facts: TokenInfo) -> bool:
    """Grants of plugins may name people whom the gateway does not know; those of users have an id."""
    return facts.user is not None and facts.user_id is None and facts.grant in USER_GRANTS


# Two tokens of one client most often differ in these alone. In a JSON string the quotes would be escaped.
_TIMES = re.compile(rb',"iat":([1-9][0-9]{0,15}),"exp":([1-9][0-9]{0,15})(?=[,}])')
_NO_TIME = -1
_NO_TIMES = b',"iat":%d,"exp":%d' % (_NO_TIME, _NO_TIME)
_ALIKE = register(
    "token records without their times", __name__, entries=1024, key_bytes=512, total_bytes=24 * MIB
)
_read_alike = cached_unchecked(_ALIKE)(_read)
_SCOPES = register("scopes of token records", __name__, entries=1024, key_bytes=512, total_bytes=24 * MIB)


@cached(_SCOPES)
def _scopes(text: str) -> tuple[str, ...]:
    return tuple(map(intern, text.split()))
