"""Resolves a server's name to all its addresses, and again every few seconds."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""The IP addresses of a host, as it is reached on a port. Raises OSError."""

NAME_LIFETIME = 5.0
"""Seconds after which a name is looked up again, when the next connection is made."""


async def look_up(host: str, port: int) -> list[str]:
    """Asks the system's resolver, without blocking."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Resolver:
    """Keeps one name's addresses; each call begins with another one, so that all are used."""

    __slots__ = ("_addresses", "_host", "_look_up", "_next", "_port", "_stale_from")

    def __init__(self, host: str, port: int, lookup: Lookup = look_up) -> None:
        self._host = host
        self._port = port
        self._look_up = lookup
        self._addresses: list[str] = []
        self._stale_from = 0.0
        self._next = -1

    async def addresses(self, now: float) -> list[str]:
        """All addresses, in the order in which to try them.

        Args:
            now: seconds of any clock that never goes back.

        Raises:
            OSError: the name has no address, and had none before.
        """
        if now >= self._stale_from or not self._addresses:
            await self._refresh(now)
        self._next += 1
        start = self._next % len(self._addresses)
        return self._addresses[start:] + self._addresses[:start]

    async def _refresh(self, now: float) -> None:
        try:
            found = await self._look_up(self._host, self._port)
        except OSError:
            # If DNS is down, the last known addresses stay in use.
            if not self._addresses:
                raise
        else:
            if found:
                self._addresses = found
        if not self._addresses:
            raise OSError(f"{self._host} has no address")
        self._stale_from = now + NAME_LIFETIME
