"""What a client may get for somebody's token: never more than that token grants (RFC 8693, RFC 7523)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.oauth.errors import OAuthError
from gateway.oauth.model import ExchangeRules
from gateway.oauth.resource import is_resource
from gateway.oauth.scope import parse_scope, unique

ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 (a type)
JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt"
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 (a type)
TOKEN_TYPES = (ACCESS_TOKEN_TYPE, JWT_TYPE, ID_TOKEN_TYPE)
"""RFC 8693 section 3: what a token may say to be. What it is, the token itself says."""
ACTOR = "act"
DEEPEST = 8
"""Actors in a chain of delegation."""
LONGEST_NAME = 255

Actor = Mapping[str, Any]
"""The claim `act` of RFC 8693 section 4.1."""


@dataclass(frozen=True, slots=True)
class SubjectToken:
    """A token that is good, of the gateway or of an issuer that it trusts."""

    issuer: str
    """The issuer's name; `OWN` for the gateway's own tokens."""
    client: str
    """The client that it was issued to, or whose workload it is."""
    subject: str
    """As it stands in tokens of the gateway: subjects of other issuers begin with the issuer's name."""
    expires: float
    """Seconds since the epoch; never later than the token itself ends."""
    scopes: tuple[str, ...] | None = None
    """None: a token that only says who somebody is, and nothing of scopes."""
    audience: tuple[str, ...] = ()
    """What it is limited to; empty: it is not."""
    user: str | None = None
    user_id: str | None = None
    user_generation: str = ""
    cnf: Mapping[str, str] = field(default_factory=dict)
    actor: Actor | None = None
    """Who acts for the subject already."""
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Of another issuer's JWT."""

    @property
    def identity(self) -> dict[str, str]:
        """Who it is, as an actor."""
        return {"sub": self.subject}


def exchanged_scopes(
    requested: str | None, subject: SubjectToken, rules: ExchangeRules, own: Sequence[str]
) -> tuple[str, ...]:
    """The scopes of the new token: those of the subject token that the client may have; what it asks of them.

    `own` are those that the client may ask for itself.

    Raises:
        OAuthError: `invalid_scope` where it asks for others, or none is left.
    """
    allowed = own if rules.scopes is None else rules.scopes
    most = [scope for scope in (allowed if subject.scopes is None else subject.scopes) if scope in allowed]
    if requested is None:
        if not most:
            raise OAuthError("invalid_scope", "The client may have none of the token's scopes.")
        return unique(most)
    asked = parse_scope(requested)
    if not set(asked).issubset(most):
        raise OAuthError(
            "invalid_scope", "The token does not have one of these scopes, or the client may not."
        )
    return asked


def exchanged_audience(
    requested: Sequence[str], subject: SubjectToken, allowed: Sequence[str]
) -> tuple[str, ...]:
    """The audience of the new token: within that of the subject token, where that has one.

    `allowed` are those that the client may name at all. A client that names none gets what the subject token
    is limited to.

    Raises:
        OAuthError: `invalid_target` for a malformed audience, or one that the new token can't be for.
    """
    if not all(is_resource(one) for one in requested):
        raise OAuthError("invalid_target", "An audience must be an absolute URI without a fragment.")
    if not requested:
        return subject.audience
    most = [one for one in subject.audience if one in allowed or not allowed] if subject.audience else allowed
    if not set(requested).issubset(most):
        raise OAuthError("invalid_target", "The client may not have a token for this audience.")
    return unique(requested)


def exchanged_lifetime(asked: int, subject: SubjectToken, now: float) -> int | None:
    """Whole seconds of the new token, which never outlives the subject token; None where that has ended."""
    left = int(subject.expires - now)
    return min(asked, left) if left > 0 else None


def delegated(subject: SubjectToken, actor: SubjectToken | None) -> Actor | None:
    """Who acts for the subject: the actor, and before it those who did already (RFC 8693 section 4.1).

    Without an actor the chain stays as it is: impersonation does not wipe out who acts.

    Raises:
        OAuthError: `invalid_request` where the chain is too long.
    """
    if actor is None:
        return subject.actor
    chain: dict[str, Any] = dict(actor.identity)
    if subject.actor is not None:
        chain[ACTOR] = subject.actor
    if _depth(chain) > DEEPEST:
        raise OAuthError("invalid_request", "Too many actors stand between the subject and this client.")
    return chain


def read_actor(value: object, issuer: str = "") -> Actor | None:
    """The claim `act` of a token, without what does not say who acts. `issuer` is the token's other issuer.

    Raises:
        ValueError: it is malformed, or names too many actors.
    """
    if value is None:
        return None
    names: list[str] = []
    while value is not None:
        subject = value.get("sub") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(subject, str) or not _nameable(subject):
            raise ValueError("act is malformed")
        names.append(f"{issuer}:{subject}" if issuer else subject)
        value = value.get(ACTOR)
        if len(names) > DEEPEST:
            raise ValueError("act names too many actors")
    chain: dict[str, Any] = {}
    for name in reversed(names):
        chain = {"sub": name, ACTOR: chain} if chain else {"sub": name}
    return chain


def actor_of(extra: Mapping[str, str]) -> Actor | None:
    """The actor that a token's record notes."""
    text = extra.get(ACTOR)
    return None if text is None else json.loads(text)


def noted_actor(actor: Actor | None) -> dict[str, str]:
    """The actor as a token's record notes it."""
    return {} if actor is None else {ACTOR: json.dumps(actor, separators=(",", ":"))}


def _nameable(subject: str) -> bool:
    return 0 < len(subject) <= LONGEST_NAME and subject.isprintable()


def _depth(actor: Actor) -> int:
    depth, inner = 0, actor
    while inner:
        depth, inner = depth + 1, inner.get(ACTOR) or {}
    return depth
