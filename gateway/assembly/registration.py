"""Dynamic client registration as configured in `registration`."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.accounts.clients import Clients
from gateway.accounts.registry import ClientRegistry
from gateway.assembly.brute_force import attempt_limiter
from gateway.assembly.grants import scope_rules
from gateway.assembly.issuers import Issuers
from gateway.assembly.metadata import auth_methods
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.errors import IssuerUnavailable
from gateway.http.endpoints import REGISTER
from gateway.issuers.rules import InvalidToken
from gateway.jose.compact import read_jwt
from gateway.oauth.errors import OAuthError
from gateway.oauth.registration import RegistrationRules
from gateway.oauth_flows.registration import RegistrationServices
from gateway.plugin import GrantPlugin
from gateway.store import Store

STATEMENT_TYPES = frozenset({"jwt", "software-statement+jwt"})


def registration_services(
    settings: Settings,
    store: Store,
    clients: Clients,
    issuers: Issuers,
    grants: Mapping[str, GrantPlugin],
    clock: Clock,
) -> RegistrationServices | None:
    """What the endpoints need; None unless registration is enabled."""
    registration = settings.registration
    if not registration.enabled:
        return None
    return RegistrationServices(
        rules=registration_rules(settings, grants),
        registry=ClientRegistry(store.clients, store.tokens, clock, secrets.token_bytes),
        clients=clients,
        initial_tokens=[token.digest for token in registration.initial_access_tokens],
        read_statement=_statement_reader(registration.issuers, issuers) if registration.issuers else None,
        limiter=attempt_limiter("registration", settings, store),
        random=secrets.token_bytes,
        endpoint=settings.server.public_url + REGISTER,
        clock=clock,
    )


def registration_rules(settings: Settings, grants: Mapping[str, GrantPlugin]) -> RegistrationRules:
    """What registered clients may have at most."""
    registration = settings.registration
    allowed = {kind: one.name for kind, one in grants.items() if one.name in registration.grants}
    scopes = frozenset(settings.every_scope if registration.scopes is None else registration.scopes)
    return RegistrationRules(
        allowed, auth_methods(settings), scopes, scope_rules(settings.scopes), registration.inner_jwks_uris
    )


def _statement_reader(
    names: tuple[str, ...], issuers: Issuers
) -> Callable[[str], Awaitable[Mapping[str, Any]]]:
    approved = [one for one in issuers.signing if one.rules.name in names]

    async def read(statement: str) -> Mapping[str, Any]:
        """RFC 7591 section 2.3: the claims of a statement that an approved issuer has signed."""
        jwt = read_jwt(statement)
        if jwt is None:
            raise OAuthError("invalid_software_statement", "The software statement is not a signed JWT.")
        issuer = next((one for one in approved if one.takes(jwt)), None)
        if issuer is None:
            raise OAuthError("unapproved_software_statement", "The statement's issuer is not approved.")
        try:
            await issuer.verify(jwt, STATEMENT_TYPES)
        except InvalidToken as error:
            text = "The software statement is not valid."
            raise OAuthError("invalid_software_statement", text, reason=str(error)) from error
        except IssuerUnavailable as error:
            text = "The keys of the statement's issuer can't be had."
            raise OAuthError("temporarily_unavailable", text, retry_after=error.retry_after) from error
        if not isinstance(jwt.claims.get("software_id"), str):
            # Any other JWT of the issuer must not pass for a statement.
            raise OAuthError("invalid_software_statement", "The software statement has no software_id.")
        return jwt.claims

    return read
