"""`POST /revoke`: an ordered list of named steps (RFC 7009)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.accounts.clients import ClientAuthentication
from gateway.oauth.errors import OAuthError
from gateway.oauth_flows.client_request import (
    ClientRequest,
    Step,
    authenticate_client,
    parse_form_step,
    read_client_credentials,
    run_steps,
)
from gateway.tokens.token_lookup import FoundToken, TokenLookup


@dataclass(frozen=True, slots=True)
class RevocationServices:
    """What the steps need."""

    clients: ClientAuthentication
    tokens: TokenLookup
    prove: Callable[[], Awaitable[str]] | None = None
    """Waits until the workers of all gateways refuse what was revoked before, and says how many do."""


@dataclass(slots=True)
class RevocationRequest(ClientRequest):
    """A revocation request: what its steps have found so far."""

    token: str = field(init=False)
    held: FoundToken | None = field(init=False)


async def find_token_step(call: RevocationRequest, services: RevocationServices) -> None:
    """Section 2.1: `token_type_hint` only helps to find a token; a token's own format says what it is."""
    call.token = call.form.require("token")
    call.held = await services.tokens.find(call.token)


def refuse_other_clients_token(call: RevocationRequest, services: RevocationServices) -> None:
    """Section 2.1: a token that was issued to another client is refused, and stays as it is."""
    if call.held is not None and call.held.facts.client != call.client.id:
        raise OAuthError("invalid_grant", "The token was issued to another client.")


async def revoke_token(call: RevocationRequest, services: RevocationServices) -> None:
    """Section 2.2: an unknown or dead token is no error: its purpose is already met."""
    if call.held is not None:
        await services.tokens.end(call.token)


STEPS: tuple[Step[RevocationRequest, RevocationServices], ...] = (
    parse_form_step,
    read_client_credentials,
    authenticate_client,
    find_token_step,
    refuse_other_clients_token,
    revoke_token,
)


async def answer_revocation(call: RevocationRequest, services: RevocationServices) -> None:
    """Runs the steps. Returns when the token is revoked for all workers.

    Raises:
        OAuthError: the error response.
        StoreUnavailable: the token may still live. Section 2.2.1: the client must assume that it does.
    """
    await run_steps(STEPS, call, services)
