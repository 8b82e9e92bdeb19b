"""What this worker knows of live tokens, as long as the store says when that changes.

Only facts are kept, never decisions: scopes and audience are judged on every request. While the worker
can't hear of revocations the cache is empty and off, and each request asks the store.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

from gateway.oauth.values import TokenFacts
from gateway.store.memory import Memory

Entry = tuple[TokenFacts, float, str]
"""The facts, when the token ends by this worker's monotonic clock, and its name in the store."""


class TokenCache(Memory):
    """Bounded: with more live tokens than `limit` the oldest entries make room.

    It hears from the store's link, in order with its answers: so what was read before a change never comes
    in after it.
    """

    def __init__(self, prefix: str, monotonic: Callable[[], float], limit: int = 50_000) -> None:
        super().__init__()
        self._token_key = f"{prefix}t:".encode()
        self._generation_key = f"{prefix}g:".encode()
        self._monotonic = monotonic
        self._limit = limit
        # Of a plain dict the oldest is not found at once, once many before it are gone.
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._by_name: dict[str, str] = {}
        self._by_client: dict[str, set[str]] = {}

    @property
    def size(self) -> int:
        """How many tokens are known. (No `__len__`: an empty cache must not pass for none.)"""
        return len(self._entries)

    def get(self, token: str) -> TokenFacts | None:
        """The facts of a live token; None where they are not known here."""
        entry = self._entries.get(token)
        if entry is None:
            return None
        if self._monotonic() >= entry[1]:
            self._drop(token)
            return None
        return entry[0]

    def put(self, token: str, name: str, facts: TokenFacts, seconds: float) -> None:
        """Keeps the facts of a token, `name` in the store, while it lives and the store says nothing else."""
        if not self._on:
            return
        if len(self._entries) >= self._limit:
            self._drop(next(iter(self._entries)))
        self._entries[token] = (facts, self._monotonic() + seconds, name)
        self._by_name[name] = token
        self._by_client.setdefault(facts.client, set()).add(token)

    def forget(self, name: str) -> None:
        """Forgets the token that has this name in the store."""
        token = self._by_name.get(name)
        if token is not None:
            self._drop(token)

    def forget_all(self) -> None:
        """Also where something else than the store has changed what its tokens are worth."""
        self._entries.clear()
        self._by_name.clear()
        self._by_client.clear()

    def changed(self, keys: Iterable[bytes]) -> None:
        """Forgets the tokens, and the tokens of the clients, whose keys these are."""
        for key in keys:
            self._forget(key)

    def _forget(self, key: bytes) -> None:
        if key.startswith(self._token_key):
            self.forget(key[len(self._token_key) :].decode())
        elif key.startswith(self._generation_key):
            client = key[len(self._generation_key) :].decode("utf-8", "replace")
            for token in list(self._by_client.get(client, ())):
                self._drop(token)

    def _drop(self, token: str) -> None:
        entry = self._entries.pop(token, None)
        if entry is None:
            return
        facts, _, name = entry
        del self._by_name[name]
        tokens = self._by_client[facts.client]
        tokens.discard(token)
        if not tokens:
            del self._by_client[facts.client]
