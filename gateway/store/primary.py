"""Where the primary is: at a fixed address, or where Sentinels say."""

from __future__ import annotations

import asyncio
from itertools import cycle
from typing import TYPE_CHECKING, Protocol

from gateway.errors import StoreUnavailable
from gateway.store.address import SENTINEL, Host, StoreAddress
from gateway.store.sentinel_answers import OUTDATED, SentinelCredentials, newest

if TYPE_CHECKING:
    from gateway.store.sentinels import Sentinels

POLL = 0.25
"""Seconds between two questions to Sentinels."""


class PrimaryLocator(Protocol):
    """Finds the primary for each new connection."""

    async def locate(self) -> StoreAddress:
        """Where to connect now. Raises StoreUnavailable."""

    async def moved(self, address: StoreAddress) -> None:
        """Returns when the primary is known to be elsewhere."""

    async def close(self) -> None:
        """Closes what connections there are."""


class FixedPrimary:
    """One server. With several hosts each attempt takes the next, until one of them is a primary."""

    def __init__(self, address: StoreAddress) -> None:
        self._each = cycle([address] if address.path else [address.at(host) for host in address.hosts])

    async def locate(self) -> StoreAddress:
        """The next host."""
        return next(self._each)

    async def moved(self, address: StoreAddress) -> None:
        """Never returns: names are resolved anew only for a new connection."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Does nothing."""


class SentinelPrimary:
    """The primary that Sentinels name. Without any Sentinel that can be believed the last one known stays
    good.
    """

    def __init__(self, address: StoreAddress, credentials: SentinelCredentials, timeout: float) -> None:
        self._address = address
        self._credentials = credentials
        self._timeout = timeout
        self._known: Host | None = None
        self._epoch = -1
        """The configuration that was believed last."""
        self._made: Sentinels | None = None

    async def locate(self) -> StoreAddress:
        """Raises StoreUnavailable where no Sentinel has ever named it."""
        found, problem = await self._ask()
        self._known = found or self._known
        if self._known is None:
            raise StoreUnavailable(problem)
        return self._address.at(self._known)

    async def moved(self, address: StoreAddress) -> None:
        """Returns when the Sentinels name another primary than the one at `address`."""
        found: Host | None = None
        while found is None or found == (address.host, address.port):
            await asyncio.sleep(POLL)
            found, _ = await self._ask()

    async def close(self) -> None:
        """Closes the connections to the Sentinels."""
        if self._made is not None:
            await self._made.close()

    async def _ask(self) -> tuple[Host | None, str]:
        """The primary, or None and the reason."""
        if self._made is None:
            from gateway.store.sentinels import Sentinels  # noqa: PLC0415 (redis-py is several MiB in each worker)

            self._made = Sentinels(self._address, self._credentials, self._timeout)
        answers, problem = await self._made.ask()
        found = newest(answers, self._epoch, len(self._address.hosts))
        if found is None:
            return None, OUTDATED if answers else problem
        self._epoch = found.epoch
        return found.primary, problem


def locator(address: StoreAddress, credentials: SentinelCredentials, timeout: float) -> PrimaryLocator:
    """What finds the primary of an address."""
    if address.topology == SENTINEL:
        return SentinelPrimary(address, credentials, timeout)
    return FixedPrimary(address)
