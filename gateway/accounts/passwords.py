"""Argon2 hashes of passwords. Hashing runs in threads, a few at a time, behind a bounded queue."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.oauth.brute_force import counted_address
from gateway.translation.text import gettext

MAX_LENGTH = 1024
"""Characters; a longer password is never right."""
MAX_CONCURRENT_HASHES = 2
"""Each hash takes a core and 19 MiB."""
MAX_WAITING_ADDRESSES = 32
"""Addresses that wait. They take turns, one hash each: so this bounds the wait, to half a second at 30 ms a
hash."""
MAX_WAITING_PER_ADDRESS = 64
"""Requests of one address that wait."""


def hasher() -> PasswordHasher:
    """Argon2id with 19 MiB and two passes, as OWASP's password storage cheat sheet advises."""
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class HashQueue:
    """Bounds concurrent and waiting hashes. Addresses take turns (round robin)."""

    def __init__(
        self,
        at_once: int = MAX_CONCURRENT_HASHES,
        most_addresses: int = MAX_WAITING_ADDRESSES,
        most_of_address: int = MAX_WAITING_PER_ADDRESS,
    ) -> None:
        self._free = at_once
        self._most_addresses = most_addresses
        self._most_of_address = most_of_address
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def acquire(self, address: str) -> None:
        """Waits for this request's turn; `release` must follow.

        Raises:
            TooManyAttempts: too many wait already.
        """
        if self._free:
            self._free -= 1
            return
        turn = self._join(address)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            else:
                self._leave(address, turn)
            raise

    def release(self) -> None:
        """Ends a turn; the next address has the next one."""
        while self._waiting:
            address, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[address] = turns
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _join(self, address: str) -> asyncio.Future[None]:
        turns = self._waiting.get(address)
        too_many = (
            len(self._waiting) >= self._most_addresses
            if turns is None
            else len(turns) >= self._most_of_address
        )
        if too_many:
            raise TooManyAttempts(1, text=gettext("Too many people are signing in at once."))
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(turn)
        return turn

    def _leave(self, address: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(address)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[address]


class Hashing:
    """Hashes and verifies in threads. Only `Passwords.turn` provides one."""

    def __init__(self, argon2: PasswordHasher) -> None:
        self._argon2 = argon2

    async def hash(self, password: str) -> str:
        """The hash of a password."""
        return await asyncio.to_thread(self._argon2.hash, password)

    async def verify(self, kept: str, password: str) -> bool:
        """Whether `kept` is a hash of `password`."""
        # A password that is too long takes the same time as any other one.
        usable = len(password) <= MAX_LENGTH
        same = await asyncio.to_thread(self._verify, kept, password if usable else "")
        return same and usable

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._argon2.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


class Passwords:
    """Password hashing of a worker."""

    def __init__(self, argon2: PasswordHasher | None = None, queue: HashQueue | None = None) -> None:
        self._hashing = Hashing(argon2 or hasher())
        self._queue = queue or HashQueue()

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[Hashing]:
        """Waits until it is the turn of a request from `address`.

        Raises:
            TooManyAttempts: too many wait already.
        """
        await self._queue.acquire(counted_address(address))
        try:
            yield self._hashing
        finally:
            self._queue.release()
