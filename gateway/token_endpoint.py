"""`POST /token`: an ordered list of named steps (RFC 6749 sections 3.2 and 5)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.binding import Binding
from gateway.client_call import (
    ClientCall,
    Step,
    authenticate_the_client,
    read_the_form,
    read_the_proof,
    walk,
)
from gateway.clients import ClientAuthentication
from gateway.clock import Clock
from gateway.issuer import Issuer, TokenAnswer
from gateway.oauth.confirmation import Shown
from gateway.oauth.errors import OAuthError
from gateway.oauth.grants import Grant, GrantRequest, IssuedToken
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.opaque import token_hash
from gateway.oauth.scope import ScopeRules
from gateway.plugin import GrantPlugin


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


async def bind_the_token(call: TokenCall, desk: TokenDesk) -> None:
    """RFC 8705 section 3, RFC 9449 section 5: what the token will be bound to, if to anything."""
    shown = Shown("POST", desk.uri, call.proofs, call.certificate)
    call.cnf, call.nonce = await desk.binding.confirmation(call.client, shown)


async def ask_the_grant(call: TokenCall, desk: TokenDesk) -> None:
    """The plugin decides what the client gets."""
    call.request = GrantRequest(
        call.client, call.form, desk.clock(), desk.scope_rules, desk.lifetime_rules, call.address
    )
    decision = call.plugin.grant(call.request)
    call.grant = await decision if inspect.isawaitable(decision) else decision


async def issue_the_token(call: TokenCall, desk: TokenDesk) -> None:
    """Section 5.1: the token goes out only when the store has it."""
    call.answer = await desk.issuer.issue(call.client, call.grant_type, call.grant, call.cnf)


async def let_the_grant_add(call: TokenCall, desk: TokenDesk) -> None:
    """Section 5.1: a refresh token, say. Where that fails, nothing is given out."""
    name = token_hash(call.answer.access_token)
    added = call.plugin.on_issued(call.request, IssuedToken(name, call.grant_type, call.grant))
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
