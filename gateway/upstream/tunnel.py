"""The two streams of raw bytes that an upgraded connection has become (RFC 9110 section 7.8)."""

from __future__ import annotations

from gateway.upstream.call import Call
from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.receiver import Receiver


class Tunnel:
    """A duplex with the upstream. One coroutine may read while another writes."""

    def __init__(self, call: Call, receiver: Receiver) -> None:
        self._call = call
        self._receiver = receiver

    async def read(self) -> bytes:
        """The next bytes; empty when the upstream has ended the tunnel.

        Raises:
            UpstreamError: it broke or was silent for too long.
        """
        return await self._receiver.next_piece() or b""

    async def write(self, data: bytes) -> None:
        """Sends bytes, and waits while the upstream is slow to take them.

        Raises:
            UpstreamError: the upstream is gone.
        """
        self._call.write(data)
        await self._receiver.room.wait()
        if self._receiver.error is not None:
            raise self._receiver.error
        if self._receiver.complete:
            raise UpstreamBroken("the upstream has closed the tunnel")

    def close(self) -> None:
        """Ends the tunnel both ways."""
        if not self._call.done:
            self._call.abort()
