"""Which users have used a client: a set of digests for each client, `<prefix>u:<client>`."""

from __future__ import annotations

from hashlib import blake2b

from gateway.store.link import Link
from gateway.store.script import Script

DIGEST_BYTES = 12
MOST = 100_000
"""Users that are counted for a client. Beyond that the count stands still."""

NOTE = Script(
    "registered_users.note",
    """
if redis.call('SCARD', KEYS[1]) < tonumber(ARGV[2]) then redis.call('SADD', KEYS[1], ARGV[1]) end
""",
)


class RegisteredUsers:
    """Counts under `prefix`. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._prefix = prefix

    async def note(self, client_id: str, user: str) -> None:
        """This user has got a token for this client."""
        await self._link.script(NOTE, (self._key(client_id),), (_digest(user), MOST))

    async def count(self, client_id: str) -> int:
        """How many have."""
        return int(await self._link.execute("SCARD", self._key(client_id)))

    def _key(self, client_id: str) -> str:
        return f"{self._prefix}u:{client_id}"


def _digest(user: str) -> bytes:
    return blake2b(user.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
