"""What the OAuth endpoints have in common: a client's form is read, and the client is authenticated."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from gateway.clients import ClientAuthentication
from gateway.oauth.client_auth import ClientProof, ProofRequest, read_proof
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
Step = Callable[[Call, Desk], Awaitable[None] | None]


def read_the_form(call: ClientCall, desk: ClientDesk) -> None:
    """RFC 6749 section 3.2: parameters in the body, each once; none that is secret in the URI."""
    refuse_credentials_in_query(call.query)
    call.form = parse_form(call.content_type, call.body)


def read_the_proof(call: ClientCall, desk: ClientDesk) -> None:
    """RFC 6749 section 2.3: exactly one way of client authentication."""
    call.proof = read_proof(ProofRequest(call.authorization, call.form, call.certificate))


async def authenticate_the_client(call: ClientCall, desk: ClientDesk) -> None:
    """RFC 6749 section 3.2.1."""
    call.client = await desk.clients.authenticate(call.proof, call.address)


async def walk(steps: Sequence[Step[Call, Desk]], call: Call, desk: Desk) -> None:
    """Takes one step after the other; one that raises is the last."""
    for step in steps:
        waiting = step(call, desk)
        if inspect.isawaitable(waiting):
            await waiting
