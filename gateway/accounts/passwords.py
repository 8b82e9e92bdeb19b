"""People's passwords: kept as argon2 hashes, and worked on beside the event loop."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LONGEST = 1024
"""Characters; a longer password is nobody's."""
MOST_AT_ONCE = 2
"""Each one worked on takes a core and the memory below."""


def hasher() -> PasswordHasher:
    """Argon2id with 19 MiB and two passes, as OWASP's password storage cheat sheet advises."""
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class Passwords:
    """Hashes and verifies, a few at a time."""

    def __init__(self, argon2: PasswordHasher | None = None) -> None:
        self._argon2 = argon2 or hasher()
        self._turn = asyncio.Semaphore(MOST_AT_ONCE)

    async def hash(self, password: str) -> str:
        """What is kept of a password."""
        async with self._turn:
            return await asyncio.to_thread(self._argon2.hash, password)

    async def verify(self, kept: str, password: str) -> bool:
        """Whether `password` is the one that `kept` was made of."""
        if len(password) > LONGEST:
            return False
        async with self._turn:
            return await asyncio.to_thread(self._verify, kept, password)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._argon2.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
