"""Which claims of another issuer's token are accepted, whoever has verified it (RFC 9068, RFC 8725)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.oauth.model import TokenInfo
from gateway.oauth.scope import is_scope

SPIFFE = "spiffe://"
MAX_TIME = 2**53
"""Seconds since the epoch; a greater number is refused."""
# RFC 6749 appendix A.1: the characters of a client id. It goes into a header, where spaces at either end
# are lost (RFC 9110 section 5.5): " shop" would be "shop" for the upstream.
_CLIENT = re.compile(r"(?! )[\x20-\x7e]{1,255}(?<! )")
MAX_USER_LENGTH = 255


@dataclass(frozen=True, slots=True)
class IssuerRules:
    """The settings of one issuer."""

    name: str
    issuer: str
    audiences: frozenset[str] = frozenset()
    """A token must have one of these; empty: any, with introspection."""
    algorithms: frozenset[str] = frozenset({"RS256"})
    types: frozenset[str] = frozenset({"at+jwt"})
    """In lower case, without `application/`."""
    scope_claim: str = "scope"
    client_claim: str = "client_id"
    user_claim: str = "sub"
    leeway: int = 30
    """Seconds."""
    workload_types: frozenset[str] = frozenset({"at+jwt", "jwt"})
    """As `types`, of tokens that a client trusts."""
    trusted_only: bool = False
    """Whether a token is accepted only where a client trusts it: the issuer is a platform of workloads."""


class InvalidToken(Exception):  # noqa: N818 (it says what the token is)
    """The token is refused: wrong audience, expired, or malformed. The text is for the log only."""


def facts_of(said: Mapping[str, Any], rules: IssuerRules, now: float) -> TokenInfo:
    """The facts in the claims of a token.

    Raises:
        InvalidToken: one of them is missing or wrong.
    """
    if rules.trusted_only or not rules.audiences:
        raise InvalidToken("trusted by no client")
    if said.get("iss") != rules.issuer:
        raise InvalidToken("another issuer")
    if said.get("exp") is None:
        raise InvalidToken("it has no end: exp is missing")
    return accept(said, rules, now)


def is_issued_by(said: Mapping[str, Any], issuer: str) -> bool:
    """Whether claims are those of an issuer: by `iss`, or by the trust domain of a SPIFFE ID.

    JWT-SVID section 3: `sub` is the SPIFFE ID; `iss` is not needed, and says nothing of the trust domain.
    """
    if not issuer.startswith(SPIFFE):
        return said.get("iss") == issuer
    subject = said.get("sub")
    return isinstance(subject, str) and subject.startswith(issuer + "/")


def checked_times(said: Mapping[str, Any], rules: IssuerRules, now: float) -> int:
    """When a token of the issuer ends, in seconds since the epoch.

    Raises:
        InvalidToken: it is of another issuer, has no end, has ended, or has not begun.
    """
    if not is_issued_by(said, rules.issuer):
        raise InvalidToken("another issuer")
    ends = check_times(said, rules.leeway, now)
    if ends is None:
        raise InvalidToken("it has no end: exp is missing")
    return ends


def accept(said: Mapping[str, Any], rules: IssuerRules, now: float, lasts: int = 0) -> TokenInfo:
    """The same for an introspection response. Without `exp` the facts last `lasts` seconds."""
    expires = check_times(said, rules.leeway, now)
    audience = texts_of(said.get("aud"), "aud")
    # RFC 9068 section 4: the resource server must be among the audience.
    if rules.audiences and rules.audiences.isdisjoint(audience):
        raise InvalidToken("it is for somebody else: aud has none of the issuer's audiences")
    client = said.get(rules.client_claim)
    if not isinstance(client, str) or not _CLIENT.fullmatch(client):
        raise InvalidToken("no usable client")
    subject, issued = _subject(said.get("sub"), client), _time(said.get("iat"))
    return TokenInfo(
        # Clients and users of different issuers must not be confused, here or upstream.
        client=f"{rules.name}:{client}",
        scopes=scopes_of(said.get(rules.scope_claim)),
        audience=audience,
        subject=subject,
        issued=int(now if issued is None else issued),
        expires=int(now) + lasts if expires is None else expires,
        grant="",
        source="issuer",
        user=_user(said.get(rules.user_claim), client, rules.name),
        issuer=rules.name,
        cnf=bound_to(said.get("cnf")),
    )


def check_times(said: Mapping[str, Any], leeway: int, now: float) -> int | None:
    """RFC 7519 section 4.1.4 and following. When the token expires; None for never."""
    expires = _time(said.get("exp"))
    if expires is not None and now >= expires + leeway:
        raise InvalidToken("it has expired")
    for name in ("nbf", "iat"):
        begins = _time(said.get(name))
        if begins is not None and now < begins - leeway:
            raise InvalidToken(f"it is not yet valid: {name} lies in the future")
    return None if expires is None else math.floor(expires) + leeway


def _time(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TIME:
        raise InvalidToken("a time that is none: in exp, nbf or iat")
    return float(value)


def texts_of(value: object, name: str) -> tuple[str, ...]:
    """A string, or a list of strings."""
    values = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise InvalidToken(f"{name} is neither text nor a list of texts")
    return tuple(values)


def scopes_of(value: object) -> tuple[str, ...]:
    """RFC 9068 section 2.2.3, or a list as some servers write it."""
    # RFC 6749 section 3.3: separated by spaces, not by other white space.
    scopes = tuple(filter(None, value.split(" "))) if isinstance(value, str) else texts_of(value, "scope")
    if not all(is_scope(scope) for scope in scopes):
        raise InvalidToken("a scope that is none")
    return scopes


def bound_to(value: object) -> dict[str, str]:
    """RFC 7800 section 3.1: the confirmation, which the client must prove to hold."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not value or not all(isinstance(item, str) for item in value.values()):
        raise InvalidToken("bound to something unknown")
    return dict(value)


def _subject(value: object, client: str) -> str:
    if not isinstance(value, str):
        return client
    if any("\ud800" <= char <= "\udfff" for char in value):
        # JSON can have a lone surrogate, UTF-8 can't.
        raise InvalidToken("sub is no text")
    return value


def _user(value: object, client: str, name: str) -> str | None:
    """RFC 9068 section 2.2: where no user is involved, `sub` is the client.

    The name goes into a header: one with invisible characters, or with spaces at either end, could look
    like another user's.
    """
    if value is None or value == client:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_USER_LENGTH:
        raise InvalidToken("no usable user")
    if not value.isprintable() or value != value.strip():
        raise InvalidToken("a user whose name can't be shown")
    return f"{name}:{value}"
