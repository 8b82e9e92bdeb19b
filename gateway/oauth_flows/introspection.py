"""`POST /introspect`: an ordered list of named steps (RFC 7662)."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

from gateway.accounts.clients import ClientAuthentication
from gateway.clock import Clock
from gateway.oauth.bearer import read_bearer
from gateway.oauth.client_auth import has_credentials
from gateway.oauth.errors import OAuthError
from gateway.oauth.introspection import INACTIVE, INTROSPECT, description, may_see
from gateway.oauth_flows.client_request import (
    ClientRequest,
    Step,
    authenticate_client,
    parse_form_step,
    read_client_credentials,
    run_steps,
)
from gateway.tokens.introspection_jwt import signed_introspection
from gateway.tokens.jwt_tokens import SigningKeys
from gateway.tokens.token_lookup import FoundToken, TokenLookup


@dataclass(frozen=True, slots=True)
class IntrospectionServices:
    """What the steps need."""

    clients: ClientAuthentication
    tokens: TokenLookup
    issuer: str
    keys: SigningKeys
    """What responses are signed with for callers that want it (RFC 9701)."""
    clock: Clock


@dataclass(slots=True)
class IntrospectionRequest(ClientRequest):
    """An introspection request: what its steps have found so far."""

    caller: str = field(init=False)
    """The id of the client that asks."""
    sees_all: bool = False
    """Whether the caller has shown a token that lets it see every token."""
    held: FoundToken | None = field(init=False)
    answer: Mapping[str, object] = field(init=False)


def authenticate_caller(
    call: IntrospectionRequest, services: IntrospectionServices
) -> Awaitable[None] | None:
    """Section 2.1: the caller authenticates as a client, or shows an access token of its own."""
    token = read_bearer(call.authorization)
    if isinstance(token, str) and not has_credentials(call.form):
        return _authenticate_by_token(call, services, token)
    read_client_credentials(call, services)
    return authenticate_client(call, services)


async def _authenticate_by_token(
    call: IntrospectionRequest, services: IntrospectionServices, token: str
) -> None:
    """RFC 6750 section 3.1. Neither a refresh token nor a token that is bound to a key is a bearer token."""
    shown = await services.tokens.find(token)
    if shown is None or shown.token_type is None or shown.facts.cnf:
        raise OAuthError("invalid_token", "The access token is not valid.", scope=INTROSPECT)
    if INTROSPECT not in shown.facts.scopes:
        text = f"The access token lacks the scope {INTROSPECT}."
        raise OAuthError("insufficient_scope", text, scope=INTROSPECT)
    call.sees_all, call.caller = True, shown.facts.client


async def find_token_step(call: IntrospectionRequest, services: IntrospectionServices) -> None:
    """Section 2.1: `token_type_hint` may be ignored; a token's own format says what it is."""
    call.held = await services.tokens.find(call.form.require("token"))


def check_may_introspect(call: IntrospectionRequest, services: IntrospectionServices) -> None:
    """Section 2.2: a client that may not see a token gets the same answer as for an inactive one."""
    held = call.held
    if not call.sees_all:
        call.caller = call.client.id
    if held is None or not (call.sees_all or may_see(call.client, held.facts)):
        call.answer = INACTIVE
    else:
        call.answer = description(held.facts, services.issuer, held.token_type)


STEPS: tuple[Step[IntrospectionRequest, IntrospectionServices], ...] = (
    parse_form_step,
    authenticate_caller,
    find_token_step,
    check_may_introspect,
)


async def answer_introspection(
    call: IntrospectionRequest, services: IntrospectionServices
) -> Mapping[str, object]:
    """Runs the steps.

    Raises:
        OAuthError: the error response.
        StoreUnavailable: the store can't be reached.
    """
    await run_steps(STEPS, call, services)
    return call.answer


async def sign_introspection(call: IntrospectionRequest, services: IntrospectionServices) -> str:
    """The answer as a JWT for its caller (RFC 9701). Raises StoreUnavailable: there is no signing key."""
    key = await services.keys.signer()
    return signed_introspection(call.answer, services.issuer, call.caller, services.clock(), key)
