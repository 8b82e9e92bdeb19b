"""`POST /introspect`: an ordered list of named steps (RFC 7662)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.accounts.clients import ClientAuthentication
from gateway.oauth.introspection import INACTIVE, description, may_see
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
class IntrospectionDesk:
    """What the steps work with."""

    clients: ClientAuthentication
    tokens: HeldTokens
    issuer: str


@dataclass(slots=True)
class IntrospectionCall(ClientCall):
    """An introspection on its way through the steps."""

    held: Held | None = field(init=False)
    answer: Mapping[str, object] = field(init=False)


@waiting
async def find_the_token(call: IntrospectionCall, desk: IntrospectionDesk) -> None:
    """Section 2.1: `token_type_hint` may be ignored; here each token says what it is."""
    call.held = await desk.tokens.find(call.form.require("token"))


def tell_who_may_know(call: IntrospectionCall, desk: IntrospectionDesk) -> None:
    """Section 2.2: who may not know of a token gets the same answer as for one that is not live."""
    held = call.held
    if held is None or not may_see(call.client, held.facts):
        call.answer = INACTIVE
    else:
        call.answer = description(held.facts, desk.issuer, held.token_type)


STEPS: tuple[Step[IntrospectionCall, IntrospectionDesk], ...] = (
    read_the_form,
    read_the_proof,
    authenticate_the_client,
    find_the_token,
    tell_who_may_know,
)


async def answer_introspection(call: IntrospectionCall, desk: IntrospectionDesk) -> Mapping[str, object]:
    """Walks the steps.

    Raises:
        OAuthError: what the client is told instead.
        StoreUnavailable: whether the token is live can't be known now.
    """
    await walk(STEPS, call, desk)
    return call.answer
