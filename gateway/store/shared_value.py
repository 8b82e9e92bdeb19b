"""One value in the store that all gateways read and replace, such as the encrypted signing keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.store.link import StoreLink
from gateway.store.script import Script

SWAP = Script(
    "shared_value.swap",
    """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
""",
)


class SharedValue:
    """The value of one key. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, key: str) -> None:
        self._link = link
        self.key = key

    async def get(self, on_reply: Callable[[], None] = lambda: None) -> bytes | None:
        """The value. `on_reply` is called in the order of replies and invalidations."""

        def noted(value: bytes | None) -> bytes | None:
            on_reply()
            return value

        value: Any = await self._link.execute("GET", self.key, decode=noted)
        return value if isinstance(value, bytes) else None

    async def swap(self, before: bytes | None, after: bytes) -> bool:
        """Replaces `before` by `after`; False where another value is stored by now."""
        return bool(await self._link.script(SWAP, (self.key,), (before or b"", after)))

    async def set(self, value: bytes) -> None:
        """Replaces the value, whatever it is."""
        await self._link.execute("SET", self.key, value)
