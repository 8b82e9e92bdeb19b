"""Which users have used a client: a set of digests for each client, `<prefix>u:<client>`."""

from __future__ import annotations

from hashlib import blake2b

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.script import Script

DIGEST_BYTES = 12
MOST = 100_000
"""Maximum number of users that are counted for a client."""

NOTE = Script(
    "registered_users.note",
    """
if redis.call('SCARD', KEYS[1]) < tonumber(ARGV[2]) then redis.call('SADD', KEYS[1], ARGV[1]) end
""",
)


class RegisteredUsers:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames) -> None:
        self._link = link
        self._names = names

    async def note(self, client_id: str, user: str) -> None:
        """Records that this user has got a token for this client."""
        await self._link.script(NOTE, (self._key(client_id),), (_digest(user), MOST))

    async def count(self, client_id: str) -> int:
        """The number of such users."""
        return int(await self._link.execute("SCARD", self._key(client_id)))

    def _key(self, client_id: str) -> str:
        return self._names.client_users(client_id)


def _digest(user: str) -> bytes:
    return blake2b(user.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
