"""Finds clients and proves who they are: those of gateway.yaml, beside those in the store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gateway.accounts.credentials import Credentials, Once
from gateway.clock import Clock
from gateway.oauth.client_auth import SECRET_METHODS, ClientProof
from gateway.oauth.errors import OAuthError, invalid_client
from gateway.oauth.guessing import Failures, GuessingRules
from gateway.oauth.values import Client, TokenFacts


class Known(Protocol):
    """What this worker has read of the clients in the store, as far as it would hear of a change."""

    def get(self, client_id: str) -> Client | None:
        """The client of that id; None where it is not known."""


class ClientSource(Protocol):
    """Where further clients are kept."""

    @property
    def known(self) -> Known:
        """Those that this worker knows by itself."""

    async def get(self, client_id: str) -> Client | None:
        """The client of that id; None where there is none."""


class Attempts(Protocol):
    """Where failed authentications are counted, for all workers and gateways together."""

    def known(self, client_id: str, address: str) -> Failures | None:
        """The failures within the last window, where this worker knows them by itself."""

    async def failures(self, client_id: str, address: str) -> Failures:
        """The failures within the last window."""

    async def record_failure(self, client_id: str, address: str) -> Failures:
        """Counts one more; answers with the sums."""

    async def clear(self, client_id: str, address: str) -> None:
        """Forgets the failures of this client from this address."""


class Clients:
    """All clients of the gateway. Those of the file win over those of the same id in the store."""

    def __init__(self, of_file: Iterable[Client], of_store: ClientSource) -> None:
        self._of_file = {client.id: client for client in of_file}
        self._of_store = of_store

    async def find(self, client_id: str) -> Client | None:
        """The client of that id; None where there is none."""
        found = self._of_file.get(client_id)
        return found if found is not None else await self._of_store.get(client_id)

    def known(self, client_id: str) -> Client | None:
        """The client of that id, where this worker knows it by itself."""
        return self._of_file.get(client_id) or self._of_store.known.get(client_id)

    def may_hold(self, facts: TokenFacts) -> bool:
        """Whether the client that a live token was issued to is still there.

        A client of the file is asked for here: whoever takes it out of gateway.yaml, or disables it,
        ends its tokens. A client in the store ends its tokens when it is changed.
        """
        if facts.source != "file":
            return facts.client not in self._of_file
        client = self._of_file.get(facts.client)
        return client is not None and client.enabled


class ClientAuthentication:
    """Judges a client's proof, and slows down who guesses."""

    def __init__(
        self,
        clients: Clients,
        attempts: Attempts,
        rules: GuessingRules,
        clock: Clock,
        *,
        issuer: str = "",
        once: Once | None = None,
    ) -> None:
        """`issuer` and `once` are what signed assertions need; without them none is taken."""
        self._clients = clients
        self._attempts = attempts
        self._rules = rules
        self._credentials = Credentials(issuer, once, clock)

    async def refuse_guessers(self, client_id: str, address: str) -> Failures:
        """Lets an attempt through, unless too many have failed.

        Raises:
            OAuthError: 429 where this client id from this address, or the address, has failed too often.
        """
        failures = await self._attempts.failures(client_id, address)
        if self._rules.shut_out(failures):
            raise OAuthError(
                "slow_down", "Too many failed attempts.", retry_after=max(1, failures.retry_after)
            )
        return failures

    def known(self, proof: ClientProof, address: str) -> Client | None:
        """The client that the proof belongs to, where this worker can tell by itself.

        None: `authenticate` has to be asked; it also counts what is wrong.
        """
        failures = self._attempts.known(proof.client_id, address)
        if failures is None or failures.pair or self._rules.shut_out(failures):
            return None
        if proof.method not in SECRET_METHODS:
            return None
        client = self._clients.known(proof.client_id)
        return client if self._credentials.wrong_secret(client, proof) is None else None

    async def authenticate(self, proof: ClientProof, address: str) -> Client:
        """The client that the proof belongs to.

        Raises:
            OAuthError: `invalid_client`, the same for an unknown client, for a wrong proof and for a
                method that is not the client's; 429 after too many of them.
        """
        failures = await self.refuse_guessers(proof.client_id, address)
        client = await self._clients.find(proof.client_id)
        wrong = await self._credentials.wrong(client, proof)
        if client is None or wrong is not None:
            raise await self.failed(proof.client_id, address, wrong or "unknown client")
        if failures.pair:
            await self._attempts.clear(proof.client_id, address)
        return client

    async def failed(self, client_id: str, address: str, reason: str) -> OAuthError:
        """Counts a failure; the error that answers it, held back the longer the more there were."""
        failures = await self._attempts.record_failure(client_id, address)
        error = invalid_client(reason)
        error.delay = self._rules.delay(failures)
        return error
