"""`POST /revoke`: an ordered list of named steps (RFC 7009)."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.accounts.clients import ClientAuthentication
from gateway.oauth.errors import OAuthError
from gateway.steps.client_call import (
    ClientCall,
    Step,
    authenticate_the_client,
    read_the_form,
    read_the_proof,
    waiting,
    walk,
)
from gateway.tokens.held import Held, HeldTokens


@dataclass(frozen=True, slots=True)
class RevocationDesk:
    """What the steps work with."""

    clients: ClientAuthentication
    tokens: HeldTokens


@dataclass(slots=True)
class RevocationCall(ClientCall):
    """A revocation on its way through the steps."""

    token: str = field(init=False)
    held: Held | None = field(init=False)


@waiting
async def find_the_token(call: RevocationCall, desk: RevocationDesk) -> None:
    """Section 2.1: `token_type_hint` only helps to find a token; here each token says what it is."""
    call.token = call.form.require("token")
    call.held = await desk.tokens.find(call.token)


def refuse_anothers(call: RevocationCall, desk: RevocationDesk) -> None:
    """Section 2.1: a token that was issued to another client is refused, and stays as it is."""
    if call.held is not None and call.held.facts.client != call.client.id:
        raise OAuthError("invalid_grant", "The token was issued to another client.")


@waiting
async def end_it(call: RevocationCall, desk: RevocationDesk) -> None:
    """Section 2.2: an unknown or dead token is no error: what the client wants is so already."""
    if call.held is not None:
        await desk.tokens.end(call.token)


STEPS: tuple[Step[RevocationCall, RevocationDesk], ...] = (
    read_the_form,
    read_the_proof,
    authenticate_the_client,
    find_the_token,
    refuse_anothers,
    end_it,
)


async def answer_revocation(call: RevocationCall, desk: RevocationDesk) -> None:
    """Walks the steps. Returns when the token is dead, for every worker.

    Raises:
        OAuthError: what the client is told instead.
        StoreUnavailable: the token may still live. Section 2.2.1: the client must assume that it does.
    """
    await walk(STEPS, call, desk)
