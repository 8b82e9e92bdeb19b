"""The live tokens that this worker knows, kept until the store sends an invalidation.

Only facts are cached, never decisions: scopes and audience are checked on every request. Without
invalidations the cache is empty and off, and each request asks the store.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final

from gateway.oauth.model import TokenInfo
from gateway.runtime.caches import MIB, register, texts_bytes
from gateway.store.invalidated_cache import InvalidatedCache
from gateway.store.key_names import KeyNames

Key = str | bytes
Entry = tuple[TokenInfo, float, str, int, tuple[bytes, ...]]
"""The facts, the expiry by this worker's monotonic clock, the name in the store, the bytes of memory, and the
generations that the token belongs to: its client's and its user's."""
_RECORDS: Final = register("token records", __name__, entries=50_000, total_bytes=64 * MIB)


MAX_KEY_LENGTH: Final = 128
"""Characters of a token that is its own key in a cache. Opaque tokens are shorter."""
_ENTRY_BYTES: Final = 700
"""Bytes of an entry without its texts: the objects, and its places in the tables."""
_MAP_BYTES: Final = 240
_GENERATION_BYTES: Final = 480
"""Bytes of a generation's key with the set of its tokens."""


def token_key(token: str) -> str | bytes:
    """The key of a token in a cache: itself, or its SHA-256 where it is long, as JWTs are.

    So the size of a key is bounded, whatever the claims. Hashing a short one would only take time.
    """
    return token if len(token) <= MAX_KEY_LENGTH else sha256(token.encode("utf-8", "surrogatepass")).digest()


def facts_bytes(facts: TokenInfo) -> int:
    """About how many bytes of memory an entry with these facts takes in a cache; never too few."""
    texts = [facts.client, facts.subject, facts.user_generation, facts.source, *facts.scopes, *facts.audience]
    size = _ENTRY_BYTES
    # Most tokens have none of these.
    if facts.user or facts.user_id or facts.tier:
        texts += [text for text in (facts.user, facts.user_id, facts.tier) if text]
    if facts.extra or facts.cnf:
        maps = [found for found in (facts.extra, facts.cnf) if found]
        texts += [text for found in maps for pair in found.items() for text in pair]
        size += len(maps) * _MAP_BYTES
    return size + texts_bytes(texts)


class TokenCache(InvalidatedCache):
    """Bounded: with more live tokens than `limit`, or more bytes than `most_bytes`, the oldest make room.

    A listener of the store's connection, in order with its replies: so a value that was read before a change
    is never cached after it.
    """

    def __init__(
        self,
        names: KeyNames,
        monotonic: Callable[[], float],
        limit: int = _RECORDS.entries,
        most_bytes: int = _RECORDS.total_bytes,
    ) -> None:
        super().__init__()
        self._names = names
        self._token_key = names.all_tokens.encode()
        self._before_name = len(names.tokens(names.groups[0]))
        self._monotonic = monotonic
        self._limit = limit
        self._most_bytes = most_bytes
        self._bytes = 0
        # A plain dict takes long to find its oldest entry, once many before it were deleted.
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._by_name: dict[str, Key] = {}
        self._by_generation: dict[bytes, set[Key]] = {}
        """Keys of tokens by the generations that they belong to, their client's and their user's."""

        self._watching: dict[Key, set[asyncio.Future[None]]] = {}
        """Set when a token is dropped, for those of open tunnels and streams."""

    @property
    def size(self) -> int:
        """Number of cached tokens. (No `__len__`: an empty cache must not be false.)"""
        return len(self._entries)

    def get(self, token: str) -> TokenInfo | None:
        """The facts of a live token; None where it is not cached."""
        key = token if len(token) <= MAX_KEY_LENGTH else token_key(token)
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._monotonic() >= entry[1]:
            self._drop(key)
            return None
        return entry[0]

    def put(self, token: str, name: str, facts: TokenInfo, seconds: float) -> None:
        """Caches the facts of a token, `name` in the store, for `seconds` or until they are invalidated."""
        if not self._on:
            return
        key = token if len(token) <= MAX_KEY_LENGTH else token_key(token)
        if key in self._entries:
            # Its size and its generations may have changed. Watchers look it up again.
            self._drop(key)
        size = facts_bytes(facts)
        most = size + 2 * _GENERATION_BYTES
        if most > self._most_bytes:
            return
        while self._entries and (len(self._entries) >= self._limit or self._bytes + most > self._most_bytes):
            self._drop(next(iter(self._entries)))
        self._bytes += size
        generations = self._generations(facts)
        self._entries[key] = (facts, self._monotonic() + seconds, name, size, generations)
        self._by_name[name] = key
        for generation in generations:
            keys = self._by_generation.get(generation)
            if keys is None:
                keys = self._by_generation[generation] = set()
                self._bytes += _GENERATION_BYTES
            keys.add(key)

    def watch(self, token: str) -> tuple[asyncio.Future[None], float] | None:
        """A future for the drop of the token, and the seconds until it expires. None: it is not cached.

        `unwatch` must follow.
        """
        key = token_key(token)
        entry = self._entries.get(key)
        if entry is None:
            return None
        forgotten: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watching.setdefault(key, set()).add(forgotten)
        return forgotten, max(entry[1] - self._monotonic(), 0.0)

    def unwatch(self, token: str, forgotten: asyncio.Future[None]) -> None:
        """Ends `watch`."""
        key = token_key(token)
        watching = self._watching.get(key)
        if watching is not None:
            watching.discard(forgotten)
            if not watching:
                del self._watching[key]

    def _wake(self, key: Key) -> None:
        for forgotten in self._watching.pop(key, ()):
            if not forgotten.done():
                forgotten.set_result(None)

    def forget(self, name: str) -> None:
        """Drops the token with this name in the store."""
        key = self._by_name.get(name)
        if key is not None:
            self._drop(key)

    def forget_all(self) -> None:
        """Drops everything."""
        self._entries.clear()
        self._bytes = 0
        for key in list(self._watching):
            self._wake(key)
        self._by_name.clear()
        self._by_generation.clear()

    def changed(self, keys: Iterable[bytes]) -> None:
        """Drops the tokens with these keys, and those of clients and users with these generation keys."""
        for key in keys:
            self._forget(key)

    def _forget(self, key: bytes) -> None:
        if key.startswith(self._token_key):
            self.forget(key[self._before_name :].decode())
        else:
            for known in list(self._by_generation.get(key, ())):
                self._drop(known)

    def _generations(self, facts: TokenInfo) -> tuple[bytes, ...]:
        client = self._names.client_generation(facts.client).encode("utf-8", "surrogatepass")
        if facts.user_id is None:
            return (client,)
        return client, (self._names.user_generations + facts.user_id).encode("utf-8", "surrogatepass")

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        if self._watching:
            self._wake(key)
        _, _, name, size, generations = entry
        self._bytes -= size
        del self._by_name[name]
        for generation in generations:
            keys = self._by_generation[generation]
            keys.discard(key)
            if not keys:
                del self._by_generation[generation]
                self._bytes -= _GENERATION_BYTES
