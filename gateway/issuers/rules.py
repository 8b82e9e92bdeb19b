"""What another issuer's token must say to be believed here, whoever has verified it (RFC 9068, RFC 8725)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.oauth.scope import is_scope
from gateway.oauth.values import TokenFacts

LATEST = 2**53
"""Seconds since the epoch; a greater number is no time."""
# RFC 6749 appendix A.1: what a client's id consists of. It goes into a header.
_CLIENT = re.compile(r"[\x20-\x7e]{1,255}")
LONGEST_USER = 255


@dataclass(frozen=True, slots=True)
class IssuerRules:
    """What gateway.yaml says about one issuer."""

    name: str
    issuer: str
    audiences: frozenset[str] = frozenset()
    """A token must be for one of these; empty: for anybody."""
    algorithms: frozenset[str] = frozenset({"RS256"})
    types: frozenset[str] = frozenset({"at+jwt"})
    """In lower case, without `application/`."""
    scope_claim: str = "scope"
    client_claim: str = "client_id"
    user_claim: str = "sub"
    leeway: int = 30
    """Seconds."""


class Unbelievable(Exception):  # noqa: N818 (it says what the token is)
    """The token is not for this gateway, not now, or not as it should be. The text is for the log only."""


def facts_of(said: Mapping[str, Any], rules: IssuerRules, now: float) -> TokenFacts:
    """The facts in a token's claims.

    Raises:
        Unbelievable: one of them is missing or wrong.
    """
    if said.get("iss") != rules.issuer:
        raise Unbelievable("another issuer")
    if said.get("exp") is None:
        raise Unbelievable("no end")
    return believed(said, rules, now)


def believed(said: Mapping[str, Any], rules: IssuerRules, now: float, lasts: int = 0) -> TokenFacts:
    """The same where the issuer itself says it. Without `exp`, the facts last that many seconds."""
    expires = _check_times(said, rules.leeway, now)
    audience = _texts(said.get("aud"), "aud")
    # RFC 9068 section 4: the resource server must be among the audience.
    if rules.audiences and rules.audiences.isdisjoint(audience):
        raise Unbelievable("for somebody else")
    client = said.get(rules.client_claim)
    if not isinstance(client, str) or not _CLIENT.fullmatch(client):
        raise Unbelievable("no usable client")
    subject, issued = said.get("sub"), _time(said.get("iat"))
    return TokenFacts(
        # Neither clients nor users of different issuers are taken for each other, here or behind.
        client=f"{rules.name}:{client}",
        scopes=_scopes(said.get(rules.scope_claim)),
        audience=audience,
        subject=subject if isinstance(subject, str) else client,
        issued=int(now if issued is None else issued),
        expires=int(now) + lasts if expires is None else expires,
        grant="",
        source="issuer",
        user=_user(said.get(rules.user_claim), client, rules.name),
        issuer=rules.name,
        cnf=_bound_to(said.get("cnf")),
    )


def _check_times(said: Mapping[str, Any], leeway: int, now: float) -> int | None:
    """RFC 7519 section 4.1.4 and following. The moment that the token is dead from; None for never."""
    expires = _time(said.get("exp"))
    if expires is not None and now >= expires + leeway:
        raise Unbelievable("expired")
    for name in ("nbf", "iat"):
        begins = _time(said.get(name))
        if begins is not None and now < begins - leeway:
            raise Unbelievable("not yet valid")
    return None if expires is None else math.floor(expires) + leeway


def _time(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
        raise Unbelievable("a time that is none")
    return float(value)


def _texts(value: object, name: str) -> tuple[str, ...]:
    """One text, or a list of them."""
    values = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise Unbelievable(f"{name} is neither text nor a list of texts")
    return tuple(values)


def _scopes(value: object) -> tuple[str, ...]:
    """RFC 9068 section 2.2.3, or a list as some servers write it."""
    scopes = tuple(value.split()) if isinstance(value, str) else _texts(value, "scope")
    if not all(is_scope(scope) for scope in scopes):
        raise Unbelievable("a scope that is none")
    return scopes


def _bound_to(value: object) -> dict[str, str]:
    """RFC 7800 section 3.1. What a token is bound to, its caller must prove to hold; see `bearer.judge`."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not value or not all(isinstance(item, str) for item in value.values()):
        raise Unbelievable("bound to something unknown")
    return dict(value)


def _user(value: object, client: str, name: str) -> str | None:
    """RFC 9068 section 2.2: where no user is involved, `sub` says the client."""
    if value is None or value == client:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_USER:
        raise Unbelievable("no usable user")
    return f"{name}:{value}"
