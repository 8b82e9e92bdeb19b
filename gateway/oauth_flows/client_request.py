"""What `/token`, `/revoke` and `/introspect` share: the form, client authentication, and the driver of steps.

Each endpoint is an ordered list of named steps. A step reads what the steps before it have found and adds
what it finds to the request; it ends the request by raising an OAuthError.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from gateway.accounts.clients import ClientAuthentication
from gateway.oauth.client_auth import ClientProof, read_proof
from gateway.oauth.form import Form, parse_form, refuse_credentials_in_query
from gateway.oauth.model import Client


@dataclass(slots=True)
class ClientRequest:
    """A client's request. Each step adds what it has found.

    Reading an attribute that no step has set yet is an error, not None.
    """

    query: str
    content_type: str | None
    body: bytes
    authorization: Sequence[bytes]
    address: str
    """The client's IP address."""
    proofs: Sequence[bytes] = ()
    """All values of the DPoP header."""
    certificate: bytes | None = None
    """The client's verified TLS certificate, in DER."""
    headers: Iterable[tuple[bytes, bytes]] = ()
    """All that the request has."""
    form: Form = field(init=False)
    proof: ClientProof = field(init=False)
    client: Client = field(init=False)


class ClientServices(Protocol):
    """What the shared steps need."""

    @property
    def clients(self) -> ClientAuthentication:
        """Verifies a client's credentials."""


Call = TypeVar("Call")
Services = TypeVar("Services")
Step = Callable[[Call, Services], Awaitable[None] | None]
"""One step of an endpoint: a plain function, or one that returns what must be waited for.

A step that is often over at once is a `def` that returns a coroutine only where it has to wait.
"""


def parse_form_step(call: ClientRequest, services: ClientServices) -> None:
    """RFC 6749 section 3.2: parameters in the body, each once; none that is secret in the URI."""
    if call.query:
        refuse_credentials_in_query(call.query)
    call.form = parse_form(call.content_type, call.body)


def read_client_credentials(call: ClientRequest, services: ClientServices) -> None:
    """RFC 6749 section 2.3: exactly one way of client authentication."""
    call.proof = read_proof(call)


def authenticate_client(call: ClientRequest, services: ClientServices) -> Awaitable[None] | None:
    """RFC 6749 section 3.2.1."""
    client = services.clients.known(call.proof, call.address)
    if client is None:
        return _await_authentication(call, services)
    call.client = client
    return None


async def _await_authentication(call: ClientRequest, services: ClientServices) -> None:
    call.client = await services.clients.authenticate(call.proof, call.address)


def start_steps(
    steps: Iterator[Step[Call, Services]], call: Call, services: Services
) -> Awaitable[None] | None:
    """Runs one step after the other, up to one that waits. One that raises is the last.

    Returns what that step waits for; once it is there, the rest of `steps` can be run. None: all are over.
    """
    for step in steps:
        if (waiting := step(call, services)) is not None:
            return waiting
    return None


async def run_steps(steps: Iterable[Step[Call, Services]], call: Call, services: Services) -> None:
    """As `start_steps`, to the end."""
    remaining = iter(steps)
    while (waiting := start_steps(remaining, call, services)) is not None:
        await waiting
