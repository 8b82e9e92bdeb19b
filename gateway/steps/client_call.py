"""What the OAuth endpoints have in common: a client's form is read, and the client is authenticated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Protocol, TypeVar

from gateway.accounts.clients import ClientAuthentication
from gateway.oauth.client_auth import ClientProof, read_proof
from gateway.oauth.form import Form, parse_form, refuse_credentials_in_query
from gateway.oauth.values import Client


@dataclass(slots=True)
class ClientCall:
    """A client's request on its way through an endpoint's steps: each step fills in what it found.

    Reading what no step has filled in yet is an error, not None.
    """

    query: str
    content_type: str | None
    body: bytes
    authorization: Sequence[bytes]
    address: str
    """The caller's IP address."""
    proofs: Sequence[bytes] = ()
    """All values of the DPoP header."""
    certificate: bytes | None = None
    """The caller's verified TLS certificate, in DER."""
    form: Form = field(init=False)
    proof: ClientProof = field(init=False)
    client: Client = field(init=False)


class ClientDesk(Protocol):
    """What the common steps work with."""

    @property
    def clients(self) -> ClientAuthentication:
        """Judges a client's proof."""


Call = TypeVar("Call")
Desk = TypeVar("Desk")
Wait = Callable[[Call, Desk], Awaitable[None]]
"""A step that waits for something: the store, say."""
Step = Callable[[Call, Desk], Wait[Call, Desk] | None]
"""A step that is over when it returns; or that returns how to do the same with waiting, and did nothing."""


def waiting(wait: Wait[Call, Desk]) -> Step[Call, Desk]:
    """A step that always waits."""

    @wraps(wait)
    def step(call: Call, desk: Desk) -> Wait[Call, Desk]:
        return wait

    return step


Left = tuple[Wait[Call, Desk], Sequence[Step[Call, Desk]]]
"""What is left of a way: what must be waited for, and the steps behind it."""


def read_the_form(call: ClientCall, desk: ClientDesk) -> None:
    """RFC 6749 section 3.2: parameters in the body, each once; none that is secret in the URI."""
    if call.query:
        refuse_credentials_in_query(call.query)
    call.form = parse_form(call.content_type, call.body)


def read_the_proof(call: ClientCall, desk: ClientDesk) -> None:
    """RFC 6749 section 2.3: exactly one way of client authentication."""
    call.proof = read_proof(call)


def authenticate_the_client(call: ClientCall, desk: ClientDesk) -> Wait[ClientCall, ClientDesk] | None:
    """RFC 6749 section 3.2.1."""
    client = desk.clients.known(call.proof, call.address)
    if client is None:
        return _ask_who_it_is
    call.client = client
    return None


async def _ask_who_it_is(call: ClientCall, desk: ClientDesk) -> None:
    call.client = await desk.clients.authenticate(call.proof, call.address)


def walk_now(steps: Sequence[Step[Call, Desk]], call: Call, desk: Desk) -> Left[Call, Desk] | None:
    """Takes one step after the other, as far as that goes without waiting; one that raises is the last.

    None: the end is reached. Else `walk_on` takes the rest.
    """
    for place, step in enumerate(steps):
        wait = step(call, desk)
        if wait is not None:
            return wait, steps[place + 1 :]
    return None


async def walk_on(left: Left[Call, Desk] | None, call: Call, desk: Desk) -> None:
    """Takes what is left of the way."""
    while left is not None:
        wait, steps = left
        await wait(call, desk)
        left = walk_now(steps, call, desk)


async def walk(steps: Sequence[Step[Call, Desk]], call: Call, desk: Desk) -> None:
    """Takes one step after the other; one that raises is the last."""
    await walk_on(walk_now(steps, call, desk), call, desk)
