"""Asks a server again and again whether it is well."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from gateway.exchange import Headers, ResponseHead
from gateway.upstream.address import Address
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.connector import Connector
from gateway.upstream.errors import UpstreamError
from gateway.upstream.link import Link
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.settings import HealthSettings, PoolSettings, Timeouts
from gateway.upstream.sink import Framing

_GOOD = range(200, 400)
_JITTER = 0.1  # so that several workers do not ask in step

Verdict = Callable[[str | None], None]
"""Takes None for a good answer, or what was wrong."""


def question(path: str, address: Address, host: str | None = None) -> bytes:
    """The request that asks a server how it is; `host` in place of the server's own."""
    if host is None:
        host = "localhost" if address.socket is not None else str(address).partition("://")[2]
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: gatepost-health",
        "Accept: */*",
        "Connection: close",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class HealthChecker:
    """Asks one server, on connections of its own, so that a full pool does not look like a sick server."""

    def __init__(
        self, settings: HealthSettings, address: Address, connector: Connector, verdict: Verdict
    ) -> None:
        self._settings = settings
        self._question = question(settings.path, address, settings.host)
        self._connector = connector
        self._verdict = verdict

    async def run(self) -> None:
        """Asks at once and then every interval, until cancelled."""
        while True:
            self._verdict(await self.ask())
            await asyncio.sleep(self._settings.interval * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 (spreads load, hides nothing)

    async def ask(self) -> str | None:
        """Asks once. Returns what is wrong, or None."""
        try:
            async with asyncio.timeout(self._settings.timeout):
                status = await self._status()
        except TimeoutError:
            return f"no answer within {self._settings.timeout:g} s"
        except UpstreamError as error:
            return str(error)
        return None if status in _GOOD else f"answered {status}"

    async def _status(self) -> int:
        loop = asyncio.get_running_loop()
        owner, pool = _Nobody(), PoolSettings()
        connection = await self._connector.connect(lambda: UpstreamConnection(loop, owner, pool))
        listener = _StatusListener(loop.create_future())
        timeouts = Timeouts(response=self._settings.timeout, idle=self._settings.timeout)
        connection.send(listener, UpstreamRequest(self._question, "GET", timeouts))
        try:
            return await listener.status
        finally:
            connection.abort()


class _Nobody:
    """Owns a connection that is used once."""

    def released(self, connection: Link) -> None:
        connection.discard()

    def lost(self, connection: Link) -> None:
        """Nothing is kept."""


class _StatusListener:
    """A sink that cares for the status only."""

    def __init__(self, status: asyncio.Future[int]) -> None:
        self.status = status

    def on_informational(self, head: ResponseHead) -> None:
        """Not the answer yet."""

    def on_whole(self, head: ResponseHead, framing: Framing, body: bytes, trailers: Headers) -> None:
        self.on_head(head, framing)

    def on_head(self, head: ResponseHead, framing: Framing) -> None:
        if not self.status.done():
            self.status.set_result(head.status)

    def on_data(self, data: bytes) -> None:
        """The text does not matter."""

    def on_end(self, trailers: Headers) -> None:
        """The status was known before."""

    def on_error(self, error: UpstreamError) -> None:
        if not self.status.done():
            self.status.set_exception(error)

    def pause_writing(self) -> None:
        """There is nothing to write."""

    def resume_writing(self) -> None:
        """There is nothing to write."""
