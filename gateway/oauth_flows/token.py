"""`POST /token`: an ordered list of named steps (RFC 6749 sections 3.2 and 5)."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace

from gateway.accounts.clients import ClientAuthentication
from gateway.clock import Clock
from gateway.http.endpoints import TOKEN, GatewayPaths
from gateway.oauth.client_claims import CLAIMS
from gateway.oauth.confirmation import ProofOfPossession
from gateway.oauth.errors import OAuthError
from gateway.oauth.grants import Grant, GrantRequest, IssuedToken
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.model import Client
from gateway.oauth.resource import RouteResource
from gateway.oauth.scope import ScopeRules
from gateway.oauth_flows.client_request import (
    ClientRequest,
    Step,
    authenticate_client,
    parse_form_step,
    read_client_credentials,
    run_steps,
)
from gateway.oauth_flows.grant_cache import GrantCache, Key, grant_key
from gateway.plugin import GrantPlugin
from gateway.tokens.sender_constraint import SenderConstraint, by_certificate, shows_a_key
from gateway.tokens.token_issuer import TokenIssuer, TokenResponse


@dataclass(frozen=True, slots=True)
class TokenServices:
    """What the steps need. Made once for a configuration."""

    clients: ClientAuthentication
    grants: Mapping[str, GrantPlugin]
    """The enabled grants, by `grant_type`."""
    scope_rules: ScopeRules
    lifetime_rules: LifetimeRules
    issuer: TokenIssuer
    clock: Clock
    binding: SenderConstraint
    resources: tuple[RouteResource, ...] = ()
    """The protected resources of the gateway, which clients may name in `resource`."""
    paths: GatewayPaths = GatewayPaths()
    """Where the token endpoint is, as clients know it."""
    kept: GrantCache = field(default_factory=GrantCache)


@dataclass(slots=True)
class TokenRequestState(ClientRequest):
    """A token request: what its steps have found so far."""

    path: str = TOKEN
    """The path that was asked for."""
    grant_type: str = "-"
    """The requested grant, once it is known to be enabled."""
    plugin: GrantPlugin = field(init=False)
    request: GrantRequest = field(init=False)
    cnf: Mapping[str, str] = field(init=False)
    nonce: str | None = None
    """The nonce for the client's next DPoP proof."""
    grant: Grant = field(init=False)
    answer: TokenResponse = field(init=False)

    def take_answer(self, answer: TokenResponse) -> None:
        """The token is in the store."""
        self.answer = answer


def find_grant(call: TokenRequestState, services: TokenServices) -> None:
    """Section 5.2: a grant that is unknown or not enabled is `unsupported_grant_type`."""
    grant_type = call.form.require("grant_type")
    plugin = services.grants.get(grant_type)
    if plugin is None:
        raise OAuthError("unsupported_grant_type", "This grant type is not served here.")
    call.grant_type, call.plugin = grant_type, plugin


def check_grant_allowed(call: TokenRequestState, services: TokenServices) -> None:
    """Section 5.2: a grant that this client may not use is `unauthorized_client`."""
    if call.plugin.name not in call.client.grants:
        raise OAuthError("unauthorized_client", "The client may not use this grant type.")


def bind_token(call: TokenRequestState, services: TokenServices) -> Awaitable[None] | None:
    """RFC 8705 section 3, RFC 9449 section 5: the key that the token will be bound to, if any."""
    if shows_a_key(call.client, call.proofs):
        return _bind_to_dpop_key(call, services)
    call.cnf = by_certificate(call.client, call.certificate)
    return None


async def _bind_to_dpop_key(call: TokenRequestState, services: TokenServices) -> None:
    shown = ProofOfPossession("POST", services.paths.uri_of(call.path), call.proofs, call.certificate)
    call.cnf, call.nonce = await services.binding.confirmation(call.client, shown)


def run_grant(call: TokenRequestState, services: TokenServices) -> Awaitable[None] | None:
    """The plugin of this grant type decides what the client gets, or has decided it."""
    key = _grant_key(call)
    kept = None if key is None else services.kept.get(key, call.client)
    if kept is not None:
        call.grant = kept
        return None
    call.request = GrantRequest(
        call.client,
        call.form,
        services.clock(),
        services.scope_rules,
        services.lifetime_rules,
        call.address,
        services.resources,
        call.cnf,
    )
    decision = call.plugin.grant(call.request)
    if not isinstance(decision, Grant):
        return _await_grant(call, decision)
    call.grant = with_client_claims(call.client, decision)
    if key is not None:
        services.kept.put(key, call.client, call.grant)
    return None


def _grant_key(call: TokenRequestState) -> Key | None:
    """What the grant is kept under; None: it is asked each time."""
    plugin = call.plugin
    if plugin.depends_on is None or _adds_members(plugin):
        return None
    return grant_key(call.client, call.grant_type, call.form, plugin.depends_on)


async def _await_grant(call: TokenRequestState, decision: Awaitable[Grant]) -> None:
    # From here on in a task of its own: a plugin may use `asyncio.timeout`, which needs one.
    await asyncio.sleep(0)
    call.grant = with_client_claims(call.client, await decision)


def with_client_claims(client: Client, grant: Grant) -> Grant:
    """The grant, with the client's own claims to note in the token's record."""
    if client.claims or CLAIMS in grant.extra:
        return replace(grant, extra={**grant.extra, CLAIMS: client.claims})
    return grant


def issue_token(call: TokenRequestState, services: TokenServices) -> Awaitable[None] | None:
    """Section 5.1: the token goes out only when the store has it."""
    answer = services.issuer.cached(call.client, call.grant_type, call.grant, call.cnf)
    if answer is None:
        take = call.take_answer
        own = services.issuer.issue_own(call.client, call.grant_type, call.grant, call.cnf, take)
        return _await_token(call, services) if own is None else own
    call.answer = answer
    return None


async def _await_token(call: TokenRequestState, services: TokenServices) -> None:
    call.answer = await services.issuer.issue(call.client, call.grant_type, call.grant, call.cnf)


def add_extra_response_members(call: TokenRequestState, services: TokenServices) -> Awaitable[None] | None:
    """Section 5.1: further members of the response, such as a refresh token.

    If the plugin can't provide them, the request fails and no token is given out.
    """
    return _await_extra_members(call) if _adds_members(call.plugin) else None


def _adds_members(plugin: GrantPlugin) -> bool:
    return type(plugin).on_issued is not GrantPlugin.on_issued


async def _await_extra_members(call: TokenRequestState) -> None:
    # As in `_await_grant`.
    await asyncio.sleep(0)
    issued = IssuedToken(call.answer.name, call.grant_type, call.grant)
    added = call.plugin.on_issued(call.request, issued)
    call.answer = replace(call.answer, beside=await added if inspect.isawaitable(added) else added)


DECIDING: tuple[Step[TokenRequestState, TokenServices], ...] = (
    authenticate_client,
    find_grant,
    check_grant_allowed,
    bind_token,
    run_grant,
    issue_token,
    add_extra_response_members,
)
"""The steps once the form and the client's credentials have been read."""
STEPS: tuple[Step[TokenRequestState, TokenServices], ...] = (
    parse_form_step,
    read_client_credentials,
    *DECIDING,
)


async def answer_token_request(call: TokenRequestState, services: TokenServices) -> TokenResponse:
    """Runs the steps.

    Raises:
        OAuthError: the error response.
        StoreUnavailable: the store can't be reached; no token is issued.
    """
    await run_steps(STEPS, call, services)
    return call.answer
