"""Finds and authenticates clients: those of gateway.yaml, and those in the store."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from gateway.accounts.attempt_limiter import AttemptLimiter, TooManyAttempts
from gateway.accounts.credentials import Credentials, FetchedKeys, ReplayGuard
from gateway.accounts.slow_secrets import SlowSecrets, has_slow_secrets
from gateway.clock import Clock
from gateway.errors import IssuerUnavailable
from gateway.oauth.brute_force import Attempt
from gateway.oauth.client_auth import PRIVATE_KEY_JWT, SECRET_METHODS, WORKLOAD, ClientProof, may_use
from gateway.oauth.errors import OAuthError, invalid_client
from gateway.oauth.model import Client, TokenInfo
from gateway.oauth.networks import is_inside

log = logging.getLogger("gatepost")


class Known(Protocol):
    """A worker's cache of the clients in the store."""

    def get(self, client_id: str) -> Client | None:
        """The client of that id; None where it is not cached."""


class ClientSource(Protocol):
    """The clients of the store."""

    @property
    def known(self) -> Known:
        """The cached ones."""

    async def get(self, client_id: str) -> Client | None:
        """The client of that id; None where there is none."""


class TrustedTokens(Protocol):
    """Tokens of other issuers that authenticate clients."""

    async def client_of(self, token: str, named: Client | None = None) -> Client | str:
        """The client, or the reason why there is none; `named` is the one that the request names.

        Raises IssuerUnavailable, StoreUnavailable.
        """


class Clients:
    """All clients of the gateway. Those of gateway.yaml take precedence over those of the store."""

    def __init__(self, of_file: Iterable[Client], of_store: ClientSource) -> None:
        self._of_file = {client.id: client for client in of_file}
        self._of_store = of_store

    async def find(self, client_id: str) -> Client | None:
        """The client of that id; None where there is none."""
        found = self._of_file.get(client_id)
        return found if found is not None else await self._of_store.get(client_id)

    def known(self, client_id: str) -> Client | None:
        """The client of that id, where no store command is needed."""
        return self._of_file.get(client_id) or self._of_store.known.get(client_id)

    def may_hold(self, facts: TokenInfo) -> bool:
        """Whether the client that a live token was issued to still exists.

        A client of the file is asked for here: whoever takes it out of gateway.yaml, or disables it,
        ends its tokens. A client in the store ends its tokens when it is changed.
        """
        if facts.source != "file":
            return facts.client not in self._of_file
        client = self._of_file.get(facts.client)
        return client is not None and client.enabled


class ClientAuthentication:
    """Authenticates clients, and limits how often that may fail."""

    def __init__(
        self,
        clients: Clients,
        limiter: AttemptLimiter,
        clock: Clock,
        *,
        issuer: str = "",
        once: ReplayGuard | None = None,
        token_endpoints: Sequence[str] = (),
        workloads: TrustedTokens | None = None,
        slow_secrets: SlowSecrets | None = None,
        fetched_keys: FetchedKeys | None = None,
    ) -> None:
        """`issuer` and `once` are what signed assertions need; without them none is taken.

        `workloads`: without it no client is authenticated by a token of another issuer. `slow_secrets`:
        without it no foreign hash is. `fetched_keys`: without it no client has a `jwks_uri`.
        """
        self._clients = clients
        self._slow_secrets = slow_secrets
        self._limiter = limiter
        self._workloads = workloads
        self._credentials = Credentials(issuer, once, clock, token_endpoints, fetched_keys)

    def known(self, proof: ClientProof, address: str) -> Client | None:
        """The authenticated client, where no store command is needed.

        None: `authenticate` must be called; it also counts failures.
        """
        if proof.method not in SECRET_METHODS:
            return None
        if not self._limiter.is_known_good(self._limiter.attempt(proof.client_id, address)):
            return None
        client = self._clients.known(proof.client_id)
        if client is not None and client.networks:
            return None
        return client if self._credentials.wrong_secret(client, proof) is None else None

    def claimed(self, proof: ClientProof) -> Client | None:
        """The client that credentials name, right or wrong, where no store command is needed."""
        return self._clients.known(proof.client_id)

    async def authenticate(self, proof: ClientProof, address: str) -> Client:
        """The authenticated client.

        Raises:
            OAuthError: `invalid_client`, the same for an unknown client, for a wrong proof and for a
                method that is not the client's, and at the same moment; 429 after too many of them.
        """
        if proof.method == WORKLOAD:
            # Not counted: a signature can't be guessed, and the client is unknown.
            return await self._by_workload(proof, address)
        try:
            return await self._authenticate(proof, address)
        except IssuerUnavailable as error:
            text = "The client's keys can't be had."
            raise OAuthError("temporarily_unavailable", text, retry_after=error.retry_after) from error
        except TooManyAttempts as error:
            raise OAuthError(
                "slow_down", "Too many failed attempts.", retry_after=error.retry_after, delay=error.delay
            ) from error

    async def _authenticate(self, proof: ClientProof, address: str) -> Client:
        attempt, began = self._limiter.attempt(proof.client_id, address), self._limiter.tick()
        # Signatures and certificates can't be guessed: valid ones are never locked out.
        guessable = proof.method in SECRET_METHODS
        if guessable:
            self._limiter.refuse_if_known(attempt)
        client = await self._clients.find(proof.client_id)
        # The same error from outside its networks: a thief of a secret does not learn that it is right.
        wrong = await self._wrong(client, proof, attempt, address) or _wrong_address(client, address)
        if client is None or wrong is not None:
            delay = await self._limiter.failed(attempt, began)
            raise invalid_client(wrong or "unknown client", delay)
        # A success that is recorded already need not be again, and what can't be guessed needs no count.
        if guessable or not self._limiter.is_known_good(attempt):
            await self._limiter.succeeded(attempt, began, guessable=guessable)
        return client

    async def _wrong(
        self, client: Client | None, proof: ClientProof, attempt: Attempt, address: str
    ) -> str | None:
        """Why the proof is not valid; None where it is."""
        wrong, now = await self._credentials.wrong(client, proof), self._credentials.now()
        if wrong is None or client is None or self._slow_secrets is None:
            return wrong
        if not (proof.method in SECRET_METHODS and may_use(client, proof.method)):
            return wrong
        if not has_slow_secrets(client, now):
            return wrong
        # Before any hash is made for somebody who is locked out.
        await self._limiter.refuse_if_locked(attempt)
        return None if await self._slow_secrets.matches(client, proof, address, now) else wrong

    async def _by_workload(self, proof: ClientProof, address: str) -> Client:
        """The client that trusts the token."""
        if self._workloads is None:
            raise invalid_client("no client trusts tokens of other issuers")
        try:
            named = await self._clients.find(proof.client_id) if proof.client_id else None
            found = await self._workloads.client_of(proof.assertion, named)
        except IssuerUnavailable as error:
            text = "The keys of the token's issuer can't be had."
            raise OAuthError("temporarily_unavailable", text, retry_after=error.retry_after) from error
        if isinstance(found, Client) and not may_use(found, PRIVATE_KEY_JWT):
            found = f"the client {found.id} may not use {PRIVATE_KEY_JWT}"
        # RFC 7521 section 4.2: client_id is not needed, but must name the same client.
        if isinstance(found, Client) and proof.client_id not in ("", found.id):
            found = f"the token is of the client {found.id}, not of the one in client_id"
        if isinstance(found, Client):
            found = _wrong_address(found, address) or found
        if isinstance(found, Client):
            return found
        log.info("a client is not authenticated: %s", found)
        raise invalid_client(found)


def _wrong_address(client: Client | None, address: str) -> str | None:
    """Why the client may not ask from an address; None where it may."""
    if client is None or is_inside(client.networks, address):
        return None
    return f"the client {client.id} may not ask from {address}"
