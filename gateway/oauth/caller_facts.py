"""What a signed assertion tells a backend of a caller, as `X-JWT-Assertion` of WSO2 API Manager does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from gateway.oauth.application import Application
from gateway.oauth.model import Client, TokenInfo


@dataclass(frozen=True, slots=True)
class AssertionRules:
    """What the assertions of one route have in common."""

    api: str
    """The route's path."""
    dialect: str
    """What stands before the claims' names."""
    lifetime: int
    """Seconds."""
    audience: str | None = None


class CallerAssertions(Protocol):
    """Makes assertions, and gives them out again while they are young."""

    def known(self, token: TokenInfo, rules: AssertionRules) -> str | None:
        """One that was made before; None: there is none, or it ends too soon."""

    async def made(self, token: TokenInfo, rules: AssertionRules) -> str:
        """A new one. Raises StoreUnavailable."""


def assertion_claims(
    token: TokenInfo,
    rules: AssertionRules,
    client: Client | None,
    application: Application | None,
    issuer: str,
    now: float,
) -> dict[str, Any]:
    """The claims: registered ones by their names, those of the dialect with its prefix.

    `client` and `application` are those that the token was issued to, as far as they are known here.
    """
    user = token.user
    tier = token.tier or (client.tier if client is not None else None)
    told = {
        "subscriber": application.owner_name if application is not None else None,
        "applicationid": application.id if application is not None else token.client,
        "applicationname": _name(token, client, application),
        "applicationtier": application.tier if application is not None else tier,
        "apicontext": rules.api,
        "tier": tier,
        "keytype": _key_type(token, application),
        "usertype": "APPLICATION" if user is None else "APPLICATION_USER",
        "enduser": token.client if user is None else user,
    }
    registered = {
        "iss": issuer,
        "sub": token.subject,
        "aud": rules.audience,
        "client_id": token.client,
        "iat": int(now),
        "exp": int(now) + rules.lifetime,
    }
    named = {rules.dialect + name: value for name, value in told.items() if value}
    return named | {name: value for name, value in registered.items() if value is not None}


def _name(token: TokenInfo, client: Client | None, application: Application | None) -> str:
    if application is not None:
        return application.name
    return (client.name if client is not None else "") or token.client


def _key_type(token: TokenInfo, application: Application | None) -> str:
    sandbox = application is not None and application.sandbox == token.client
    return "SANDBOX" if sandbox else "PRODUCTION"
