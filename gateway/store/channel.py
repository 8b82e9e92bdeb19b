"""Hears what is published on a channel of one server, over a connection of its own.

redis-py could do it, but it is 8 MiB in each worker, and loading it takes a third of the time of a start.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import hiredis

from gateway.errors import StoreUnavailable
from gateway.runtime.beat import until_beat
from gateway.store.address import StoreAddress
from gateway.store.handshake import greet, open_wire
from gateway.store.resp_connection import OnRejected, RespConnection, ignore
from gateway.store.store_clock import StoreClock

BEAT = 1.0
"""Seconds between two questions whether the server is still there."""
MOST_PENDING = 16
MESSAGE, SUBSCRIBED = b"message", b"subscribe"


class _ChannelConnection(RespConnection):
    def subscribe(self, channel: str) -> asyncio.Future[Any]:
        """Messages are pushed from now on.

        A subscription that succeeds has no answer, only a message. So a PING is sent behind it: its answer
        says that it is done; and where it is refused, the refusal comes in that place.
        """
        words = ("SUBSCRIBE", channel)
        self._outbox.append(hiredis.pack_command(words))  # type: ignore[arg-type]  # its stub says a 1-tuple
        self._loop.call_soon(self._flush)
        return self.send("SUBSCRIBE", ("PING",))

    def _take(self, reply: Any) -> None:
        # Without RESP3 messages look like answers.
        if isinstance(reply, list) and reply and reply[0] in (MESSAGE, SUBSCRIBED):
            self._on_push(reply)
        else:
            super()._take(reply)


class ChannelListener:
    """Listens at one server."""

    def __init__(
        self,
        address: StoreAddress,
        tls: ssl.SSLContext | None,
        *,
        timeout: float,
        on_rejected: OnRejected = ignore,
    ) -> None:
        """`timeout`: seconds in which the server must answer."""
        self._address = address
        self._tls = tls
        self._timeout = timeout
        self._on_rejected = on_rejected

    async def hear(
        self,
        channel: str,
        on_message: Callable[[bytes], None],
        ready: Callable[[], None],
        stays: Callable[[], bool],
    ) -> None:
        """Calls `on_message` for what is published after `ready`, as long as `stays` says so.

        Raises StoreUnavailable where the server can't be reached, or stops answering, or refuses it.
        """

        def take(push: list[Any]) -> None:
            if push[0] == MESSAGE:
                on_message(push[2])

        lost = asyncio.Event()
        wire = _ChannelConnection(
            timeout=self._timeout,
            limit=MOST_PENDING,
            on_push=take,
            on_lost=lambda _: lost.set(),
            on_rejected=self._on_rejected,
        )
        try:
            await self._open(wire)
            await wire.subscribe(channel)
            ready()
            while stays():
                with suppress(TimeoutError):
                    async with asyncio.timeout(until_beat(BEAT)):
                        await lost.wait()
                await wire.send("PING", ("PING",))
        finally:
            wire.lose("nobody listens any more")

    async def _open(self, wire: RespConnection) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await open_wire(wire, self._address, self._tls)
                await greet(wire, self._address, tracking=False, clock=StoreClock())
        except OSError as error:  # a TimeoutError too
            raise StoreUnavailable(f"the store can't be reached: {type(error).__name__}") from None
