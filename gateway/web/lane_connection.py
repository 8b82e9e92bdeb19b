"""A client connection with the fast lane in front of aiohttp."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from gateway.exchange import Peer
from gateway.web.arrival import connection_peer
from gateway.web.connection import GatewayConnection
from gateway.web.lane import Going, Lane

HELD_LIMIT = 65_536
"""Bytes kept that come before an answer is out; from then on the caller is not read."""


class LaneConnection(GatewayConnection):
    """Offers what arrives to the lane first. While it answers, aiohttp sees nothing of this connection."""

    __slots__ = ("_closing", "_going", "_held", "_lane", "_lane_over", "_peer", "_serving")

    def __init__(self, manager: Any, *, lane: Lane, **options: Any) -> None:
        super().__init__(manager, **options)
        self._serving = manager
        self._lane = lane
        self._going: Going | None = None
        self._held = b""
        self._closing = False
        self._lane_over: asyncio.Future[None] | None = None
        self._peer: Peer | None = None

    def data_received(self, data: bytes) -> None:
        """Bytes have come: for the lane, if it can take them."""
        if self._going is not None:
            self._hold(data)
        elif self._stream is not None or not self._at_beginning() or not self._take(data):
            super().data_received(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._going is not None:
            self._going.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._going is not None:
            self._going.resume()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._going is not None:
            self._going.caller_left()
        super().connection_lost(exc)

    def _at_rest(self) -> bool:
        return self._going is None and super()._at_rest()

    def _take(self, data: bytes) -> bool:
        """Lets the lane begin with a request; whether it has."""
        going = self._lane.take(data, self)
        if going is not None and not going.over:
            self._going = going
        return going is not None

    def _hold(self, data: bytes) -> None:
        """Keeps what comes before the answer is out."""
        self._held += data
        if len(self._held) > HELD_LIMIT:
            self.pause()

    # What the lane asks and says.

    @property
    def peer(self) -> Peer:
        """Who holds the other end."""
        if self._peer is None:
            self._peer = connection_peer(self.transport)
        return self._peer

    @property
    def closing(self) -> bool:
        """Whether the next answer is the last."""
        return self._closing or self._serving.leaving

    def lane_done(self, *, keep: bool) -> None:
        """The exchange in the lane is over; what came meanwhile is next."""
        self._going = None
        if self._lane_over is not None:
            self._lane_over.set_result(None)
            self._lane_over = None
        if self.transport is None:
            return
        if not keep:
            self.force_close()
            return
        self._rest_until_idle()
        held, self._held = self._held, b""
        if len(held) > HELD_LIMIT:
            self.resume()
        if held:
            self.data_received(held)

    def _rest_until_idle(self) -> None:
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout

    def _process_keepalive(self) -> None:
        if self._going is not None:
            self._rest_until_idle()
        super()._process_keepalive()

    def close(self) -> None:
        """Closes when nothing is in flight any more."""
        if self._going is not None:
            self._closing = True
        else:
            super().close()

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 (aiohttp's own signature)
        """Waits for the exchange in the lane, up to `timeout` seconds; then as aiohttp does."""
        if self._going is not None:
            self._closing = True
            self._lane_over = self._loop.create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await asyncio.shield(self._lane_over)
        if self._going is not None:
            self._going.caller_left()
        await super().shutdown(timeout)
