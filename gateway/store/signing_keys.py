"""The signing keys of all gateways that share the store: one value, sealed before it comes here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.store.link import Link
from gateway.store.script import Script

SWAP = Script(
    "keys.swap",
    """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
""",
)


def signing_keys_key(prefix: str) -> str:
    """Where they lie."""
    return f"{prefix}signing-keys"


class SigningKeyStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._key = signing_keys_key(prefix)

    async def get(self, note: Callable[[], None]) -> bytes | None:
        """The value; `note` runs at the answer's place in the order of answers and invalidations."""

        def noted(value: bytes | None) -> bytes | None:
            note()
            return value

        value: Any = await self._link.execute("GET", self._key, decode=noted)
        return value if isinstance(value, bytes) else None

    async def swap(self, before: bytes | None, after: bytes) -> bool:
        """Puts `after` in the place of `before`; False where something else stands there by now."""
        return bool(await self._link.script(SWAP, (self._key,), (before or b"", after)))
