"""Checks that all gateways of a store have the same master key.

The store has a check value of the first key, from which the key cannot be derived. A gateway with another
key finds out when it starts, not when tokens are refused.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from functools import partial
from typing import Any, Protocol

from gateway.errors import GatepostError, StoreUnavailable
from gateway.signing.master_keys import MasterKeys
from gateway.store.invalidation import INVALIDATE

log = logging.getLogger("gatepost")

PURPOSE = "key check"
_CHARS = 32


class OtherMasterKey(GatepostError):  # noqa: N818 (the name says the state)
    """Another gateway uses the store with another master key."""

    brief = "the master key is not that of the store"
    """The reason in the log lines of requests that fail for it."""

    def __init__(self) -> None:
        super().__init__(
            "the other gateways of this store use a master key that is not in tokens.keys: no token is "
            "issued here, and theirs are refused. List their key, or run `gatepost keys adopt` to replace it"
        )


class KeyState(Enum):
    """The result of comparing the check value in the store."""

    UNUSED = "no gateway has used the store"
    CURRENT = "it is of the key that signs here"
    OLDER = "it is of another key in tokens.keys"
    OTHER = "it is of a key that is not in tokens.keys"


class CheckValue(Protocol):
    """The value in the store."""

    key: str

    async def get(self, on_reply: Callable[[], None] = ...) -> bytes | None:
        """The value. `on_reply` is called in the order of replies and invalidations."""

    async def swap(self, before: bytes | None, after: bytes) -> bool:
        """Replaces `before` by `after`; False where another value is stored by now."""


def check_values(keys: MasterKeys) -> tuple[bytes, ...]:
    """The check values of the keys, in their order."""
    digests = (hmac.digest(key, b"check value", "sha256") for key in keys.derive(PURPOSE))
    return tuple(digest.hex()[:_CHARS].encode() for digest in digests)


def key_state(found: bytes | None, own: Sequence[bytes]) -> KeyState:
    """Compares the value in the store with the check values of this gateway."""
    if found is None:
        return KeyState.UNUSED
    if found == own[0]:
        return KeyState.CURRENT
    return KeyState.OLDER if found in own else KeyState.OTHER


class KeyCheck:
    """Reads the check value, and reads it again after an invalidation.

    The first time that it is of an older key of `tokens.keys` it is replaced, since that key no longer signs.
    Not later: two gateways with their keys in another order would replace each other's value for ever.
    """

    def __init__(
        self,
        store: CheckValue,
        keys: MasterKeys,
        on_change: Callable[[OtherMasterKey | None], None] = lambda _: None,
        on_accepted: Callable[[bool], Awaitable[None]] | None = None,
    ) -> None:
        """`on_change` gets the problem, and None when it is solved. `on_accepted` runs when the key
        has been found to be right: first of all (False), and after it was another (True).
        """
        self._store = store
        self._own = check_values(keys)
        self._on_change = on_change
        self._on_accepted = on_accepted
        self._problem: OtherMasterKey | None = None
        self._read = self._accepted = False
        self._current = False
        self._changes = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def check(self) -> None:
        """Returns where the key is the same.

        Raises:
            OtherMasterKey: it is another one.
            StoreUnavailable: the check value can't be read.
        """
        if not self._current:
            await self._learn()
        if self._problem is not None:
            raise self._problem

    async def stop(self) -> None:
        """Cancels running tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _learn(self) -> None:
        read_at = -1

        def on_reply() -> None:
            nonlocal read_at
            read_at = self._changes

        found = await self._store.get(on_reply)
        state = key_state(found, self._own)
        claims = state is KeyState.UNUSED or (state is KeyState.OLDER and not self._read)
        if claims and not await self._store.swap(found, self._own[0]):
            # Another worker or gateway has written first.
            state = key_state(await self._store.get(on_reply), self._own)
        self._read = True
        self._take(OtherMasterKey() if state is KeyState.OTHER else None)
        # Only now: no request may pass between the answer and its evaluation.
        self._current = read_at == self._changes

    def _take(self, problem: OtherMasterKey | None) -> None:
        repaired = problem is None and self._problem is not None
        if self._on_accepted is not None and (repaired or (problem is None and not self._accepted)):
            self._accepted = True
            self._begin(partial(self._on_accepted, repaired))
        if (problem is None) == (self._problem is None):
            return
        self._problem = problem
        self._on_change(problem)
        if problem is not None:
            log.error("%s", problem)
        else:
            log.info("the master key is that of the store's other gateways again")

    def _begin(self, work: Callable[[], Awaitable[None]]) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Callbacks of the store's connection.

    def on_tracking_on(self) -> None:
        """The store sends invalidations from now on."""
        self._forget()

    def on_tracking_off(self) -> None:
        """Invalidations may have been missed. The last result holds until the store answers again."""
        self._changes += 1
        self._current = False

    def on_invalidate(self, message: list[Any]) -> None:
        """Reads the value again after it was invalidated."""
        if message[0] == INVALIDATE and (message[1] is None or self._store.key.encode() in message[1]):
            self._forget()

    def _forget(self) -> None:
        self._changes += 1
        self._current = False
        self._begin(self._learn)


async def _quietly(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except StoreUnavailable as error:
        log.debug("the master key could not be checked: %s", error)
