"""What this worker knows of live tokens, as long as the store says when that changes.

Only facts are kept, never decisions: scopes and audience are judged on every request. While the worker
can't hear of revocations the cache is empty and off, and each request asks the store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.oauth.values import TokenFacts

Entry = tuple[TokenFacts, float]
"""The facts, and when the token ends by this worker's monotonic clock."""


class TokenCache:
    """Bounded: with more live tokens than `limit` the oldest entries make room.

    It hears from the store's link, in order with its answers: so what was read before a change never comes
    in after it.
    """

    def __init__(self, prefix: str, monotonic: Callable[[], float], limit: int = 50_000) -> None:
        self._token_key = f"{prefix}t:".encode()
        self._generation_key = f"{prefix}g:".encode()
        self._monotonic = monotonic
        self._limit = limit
        self._entries: dict[str, Entry] = {}
        self._by_client: dict[str, set[str]] = {}
        self._on = False

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, name: str) -> TokenFacts | None:
        """The facts of the live token of that hash; None where they are not known here."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        if self._monotonic() >= entry[1]:
            self._drop(name)
            return None
        return entry[0]

    def put(self, name: str, facts: TokenFacts, seconds: float) -> None:
        """Keeps the facts for as long as the token lives, unless the store says otherwise."""
        if not self._on:
            return
        if len(self._entries) >= self._limit:
            self._drop(next(iter(self._entries)))
        self._entries[name] = (facts, self._monotonic() + seconds)
        self._by_client.setdefault(facts.client, set()).add(name)

    # What the link says.

    def up(self) -> None:
        """From now on the store says what changes."""
        self._on = True

    def down(self) -> None:
        """Changes may have been missed."""
        self._on = False
        self._entries.clear()
        self._by_client.clear()

    def push(self, message: list[Any]) -> None:
        """Forgets what the store says has changed; everything where it says so."""
        if message[0] != b"invalidate":
            return
        if message[1] is None:
            self._entries.clear()
            self._by_client.clear()
            return
        for key in message[1]:
            self._forget(key)

    def _forget(self, key: bytes) -> None:
        if key.startswith(self._token_key):
            self._drop(key[len(self._token_key) :].decode())
        elif key.startswith(self._generation_key):
            client = key[len(self._generation_key) :].decode("utf-8", "replace")
            for name in list(self._by_client.get(client, ())):
                self._drop(name)

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry is None:
            return
        client = entry[0].client
        names = self._by_client[client]
        names.discard(name)
        if not names:
            del self._by_client[client]
