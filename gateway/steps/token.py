"""`POST /token`: an ordered list of named steps (RFC 6749 sections 3.2 and 5)."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from gateway.accounts.clients import ClientAuthentication
from gateway.clock import Clock
from gateway.oauth.confirmation import Shown
from gateway.oauth.errors import OAuthError
from gateway.oauth.grants import Grant, GrantRequest, IssuedToken
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.scope import ScopeRules
from gateway.plugin import GrantPlugin
from gateway.steps.client_call import (
    ClientCall,
    Step,
    Wait,
    authenticate_the_client,
    read_the_form,
    read_the_proof,
    walk,
)
from gateway.tokens.binding import Binding, by_certificate, shows_a_key
from gateway.tokens.issuer import Issuer, TokenAnswer


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """What the steps work with."""

    clients: ClientAuthentication
    grants: Mapping[str, GrantPlugin]
    """The grants that are switched on, by `grant_type`."""
    scope_rules: ScopeRules
    lifetime_rules: LifetimeRules
    issuer: Issuer
    clock: Clock
    binding: Binding
    uri: str = ""
    """The endpoint's own, as clients know it."""


@dataclass(slots=True)
class TokenCall(ClientCall):
    """A token request on its way through the steps."""

    grant_type: str = "-"
    """The grant that is asked for, once it is known to be served here."""
    plugin: GrantPlugin = field(init=False)
    request: GrantRequest = field(init=False)
    cnf: Mapping[str, str] = field(init=False)
    nonce: str | None = None
    """What the client is to put into its next DPoP proof."""
    grant: Grant = field(init=False)
    answer: TokenAnswer = field(init=False)
    deciding: Awaitable[Grant] | None = None
    """The grant's decision, where a plugin has begun to wait for it."""


def find_the_grant(call: TokenCall, desk: TokenDesk) -> None:
    """Section 5.2: a grant that is unknown, or switched off here, is `unsupported_grant_type`."""
    grant_type = call.form.require("grant_type")
    plugin = desk.grants.get(grant_type)
    if plugin is None:
        raise OAuthError("unsupported_grant_type", "This grant type is not served here.")
    call.grant_type, call.plugin = grant_type, plugin


def let_only_its_clients_use_it(call: TokenCall, desk: TokenDesk) -> None:
    """Section 5.2: a grant that this client may not use is `unauthorized_client`."""
    if call.plugin.name not in call.client.grants:
        raise OAuthError("unauthorized_client", "The client may not use this grant type.")


def bind_the_token(call: TokenCall, desk: TokenDesk) -> Wait[TokenCall, TokenDesk] | None:
    """RFC 8705 section 3, RFC 9449 section 5: what the token will be bound to, if to anything."""
    if shows_a_key(call.client, call.proofs):
        return _bind_it_to_a_key
    call.cnf = by_certificate(call.client, call.certificate)
    return None


async def _bind_it_to_a_key(call: TokenCall, desk: TokenDesk) -> None:
    shown = Shown("POST", desk.uri, call.proofs, call.certificate)
    call.cnf, call.nonce = await desk.binding.confirmation(call.client, shown)


def ask_the_grant(call: TokenCall, desk: TokenDesk) -> Wait[TokenCall, TokenDesk] | None:
    """The plugin decides what the client gets."""
    call.request = GrantRequest(
        call.client, call.form, desk.clock(), desk.scope_rules, desk.lifetime_rules, call.address
    )
    if waits(type(call.plugin)):  # type: ignore[arg-type]  # a class can be hashed
        return _wait_for_the_grant
    decision = call.plugin.grant(call.request)
    if not isinstance(decision, Grant):
        call.deciding = decision
        return _wait_for_the_grant
    call.grant = decision
    return None


async def _wait_for_the_grant(call: TokenCall, desk: TokenDesk) -> None:
    decision = call.deciding or call.plugin.grant(call.request)
    call.grant = decision if isinstance(decision, Grant) else await decision


@lru_cache(maxsize=64)
def waits(plugin: type[GrantPlugin]) -> bool:
    """Whether a plugin says itself that its decision takes waiting."""
    return inspect.iscoroutinefunction(plugin.grant)


def issue_the_token(call: TokenCall, desk: TokenDesk) -> Wait[TokenCall, TokenDesk] | None:
    """Section 5.1: the token goes out only when the store has it."""
    answer = desk.issuer.known(call.client, call.grant_type, call.grant, call.cnf)
    if answer is None:
        return _ask_for_a_token
    call.answer = answer
    return None


async def _ask_for_a_token(call: TokenCall, desk: TokenDesk) -> None:
    call.answer = await desk.issuer.issue(call.client, call.grant_type, call.grant, call.cnf)


def let_the_grant_add(call: TokenCall, desk: TokenDesk) -> Wait[TokenCall, TokenDesk] | None:
    """Section 5.1: a refresh token, say. Where that fails, nothing is given out."""
    adds = type(call.plugin).on_issued is not GrantPlugin.on_issued
    return _let_it_add if adds else None


async def _let_it_add(call: TokenCall, desk: TokenDesk) -> None:
    issued = IssuedToken(call.answer.name, call.grant_type, call.grant)
    added = call.plugin.on_issued(call.request, issued)
    call.answer = replace(call.answer, beside=await added if inspect.isawaitable(added) else added)


STEPS: tuple[Step[TokenCall, TokenDesk], ...] = (
    read_the_form,
    read_the_proof,
    authenticate_the_client,
    find_the_grant,
    let_only_its_clients_use_it,
    bind_the_token,
    ask_the_grant,
    issue_the_token,
    let_the_grant_add,
)


async def answer_token_request(call: TokenCall, desk: TokenDesk) -> TokenAnswer:
    """Walks the steps.

    Raises:
        OAuthError: what the client is told instead.
        StoreUnavailable: nobody gets a token now.
    """
    await walk(STEPS, call, desk)
    return call.answer
