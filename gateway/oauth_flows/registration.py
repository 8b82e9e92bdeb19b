"""`/register`: clients that register themselves (RFC 7591), and manage their registration (RFC 7592)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.accounts.attempt_limiter import AttemptLimiter, TooManyAttempts
from gateway.accounts.clients import Clients
from gateway.accounts.registry import ClientRegistry, new_client_id, secrets_text
from gateway.oauth.bearer import AuthError, read_bearer
from gateway.oauth.client_auth import secret_matches, uses_secrets
from gateway.oauth.errors import OAuthError
from gateway.oauth.model import Client
from gateway.oauth.opaque_tokens import Random
from gateway.oauth.registration import (
    RegistrationRules,
    client_metadata,
    invalid_metadata,
    read_metadata,
    refuse_server_set,
    requested_client,
)

TOKEN_PREFIX = "gpr_"  # noqa: S105 (what secret scanners look for, not a secret)
STATEMENT = "software_statement"
ReadStatement = Callable[[str], Awaitable[Mapping[str, Any]]]
"""The claims of a software statement. Raises OAuthError."""


@dataclass(frozen=True, slots=True)
class RegistrationServices:
    """What the endpoints need."""

    rules: RegistrationRules
    registry: ClientRegistry
    clients: Clients
    initial_tokens: Sequence[bytes]
    """SHA-256 of each initial access token."""
    read_statement: ReadStatement | None
    """None: no software statement is accepted."""
    limiter: AttemptLimiter
    random: Random
    endpoint: str
    """The URL of the registration endpoint."""
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """A request to one of the endpoints."""

    authorization: Sequence[bytes]
    content_type: str | None
    body: bytes
    address: str


async def register(call: RegistrationRequest, services: RegistrationServices) -> dict[str, object]:
    """RFC 7591 section 3: registers a client.

    Raises:
        OAuthError: the error response.
        StoreUnavailable: the client is not registered.
    """
    allowed = await _has_initial_token(call, services)
    metadata: dict[str, Any] = read_metadata(call.content_type, call.body)
    statement = metadata.get(STATEMENT)
    if statement is not None:
        # Section 2.3: what the statement says counts more than what the client says.
        metadata |= await _statement_claims(statement, services)
    elif not allowed:
        raise OAuthError("invalid_token", "Registration needs an initial access token.")
    client = requested_client(metadata, services.rules, new_client_id())
    token, digest = _new_token(services)
    client, secret = await _kept(replace(client, registration=digest), services)
    told = _told(client, token, secret, services)
    return told | ({STATEMENT: statement} if statement is not None else {})


async def read_registration(
    call: RegistrationRequest, client_id: str, services: RegistrationServices
) -> dict[str, object]:
    """RFC 7592 section 2.1: the client's metadata. Its secret is not known here, only its hash."""
    client, token = await _authenticated(call, client_id, services)
    return _told(client, token, None, services)


async def update_registration(
    call: RegistrationRequest, client_id: str, services: RegistrationServices
) -> dict[str, object]:
    """RFC 7592 section 2.2: replaces the metadata as a whole. The client's tokens end."""
    client, token = await _authenticated(call, client_id, services)
    metadata = read_metadata(call.content_type, call.body)
    refuse_server_set(metadata, client_id)
    given = metadata.get("client_secret")
    if given is not None and not (isinstance(given, str) and secret_matches(client, given, services.clock())):
        raise invalid_metadata("client_secret must be the present one: a client does not choose its own.")
    wanted = requested_client(metadata, services.rules, client_id)
    changed, secret = await services.registry.replace_registration(client_id, wanted)
    return _told(changed, token, secret, services)


async def delete_registration(
    call: RegistrationRequest, client_id: str, services: RegistrationServices
) -> None:
    """RFC 7592 section 2.3: removes the client, and ends its tokens."""
    await _authenticated(call, client_id, services)
    await services.registry.delete(client_id)


async def _kept(client: Client, services: RegistrationServices) -> tuple[Client, str | None]:
    if uses_secrets(client):
        return await services.registry.create(client)
    return await services.registry.register(client), None


def _new_token(services: RegistrationServices) -> tuple[str, str]:
    """A registration access token, and the digest that the store has of it."""
    token = TOKEN_PREFIX + secrets_text(services.random)
    return token, _digest(token).hex()


def _told(
    client: Client, token: str, secret: str | None, services: RegistrationServices
) -> dict[str, object]:
    told = client_metadata(client, services.rules)
    if secret is not None:
        told["client_secret"] = secret
    if uses_secrets(client):
        # Section 3.2.1: needed where there is a secret; 0: it does not expire.
        told["client_secret_expires_at"] = 0
    told["registration_access_token"] = token
    told["registration_client_uri"] = f"{services.endpoint}/{client.id}"
    return told


async def _has_initial_token(call: RegistrationRequest, services: RegistrationServices) -> bool:
    """Whether the request has a right initial access token; a wrong one is refused, and counted."""
    token = read_bearer(call.authorization)
    if token is AuthError.MISSING:
        return False
    began, attempt = services.limiter.tick(), services.limiter.attempt("", call.address)
    given = _digest(token) if isinstance(token, str) else b""
    right = [hmac.compare_digest(given, known) for known in services.initial_tokens]
    try:
        services.limiter.refuse_if_known(attempt)
        if any(right):
            await services.limiter.succeeded(attempt, began)
            return True
        delay = await services.limiter.failed(attempt, began)
    except TooManyAttempts as error:
        raise OAuthError(
            "slow_down", "Too many failed attempts.", retry_after=error.retry_after, delay=error.delay
        ) from error
    raise OAuthError("invalid_token", "The initial access token is not valid.", delay=delay)


async def _statement_claims(statement: object, services: RegistrationServices) -> dict[str, Any]:
    if services.read_statement is None:
        raise OAuthError("unapproved_software_statement", "No software statement is accepted here.")
    if not isinstance(statement, str):
        raise OAuthError("invalid_software_statement", "The software statement must be a string.")
    claims = await services.read_statement(statement)
    return {name: value for name, value in claims.items() if name != STATEMENT}


async def _authenticated(
    call: RegistrationRequest, client_id: str, services: RegistrationServices
) -> tuple[Client, str]:
    """The client and its registration access token. One text, whether the client or the token is wrong."""
    token = read_bearer(call.authorization)
    client = await services.clients.find(client_id) if isinstance(token, str) else None
    given = _digest(token) if isinstance(token, str) else b""
    known = bytes.fromhex(client.registration) if client is not None else b""
    if client is None or not isinstance(token, str) or not known or not hmac.compare_digest(given, known):
        raise OAuthError("invalid_token", "The registration access token is not valid.")
    return client, token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
