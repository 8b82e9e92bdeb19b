"""Reading a hash of any size, a part at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.store.link import Commands

PAGE = 500
"""Fields that are asked for in one round trip."""


async def scan_hash(commands: Commands, key: str, page: int = PAGE) -> AsyncIterator[tuple[bytes, bytes]]:
    """The fields of a hash with their values. A field may come twice (Redis: HSCAN)."""
    cursor: bytes | int = 0
    while True:
        cursor, members = await commands.execute("HSCAN", key, cursor, "COUNT", page)
        for field, value in zip(members[::2], members[1::2], strict=True):
            yield field, value
        if int(cursor) == 0:
            return
