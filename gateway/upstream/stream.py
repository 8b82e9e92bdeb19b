"""An answer as an object to await: the face of the callback core for handlers that are coroutines."""

from __future__ import annotations

from types import TracebackType

from gateway.exchange import Headers, ResponseHead
from gateway.upstream.call import Call
from gateway.upstream.receiver import Receiver
from gateway.upstream.sink import Framing
from gateway.upstream.tunnel import Tunnel
from gateway.upstream.upload import Upload


class UpstreamResponse:
    """An upstream's answer. Iterate over it for the body, then `close`; or use it with `async with`.

    Closing before the end ends the exchange with the upstream at once, and so does cancelling the task that
    waits for a piece.
    """

    def __init__(self, call: Call, receiver: Receiver, upload: Upload | None) -> None:
        self._call = call
        self._receiver = receiver
        self._upload = upload

    async def wait_for_head(self) -> UpstreamResponse:
        """Waits until the head is here; what goes wrong meanwhile ends the exchange."""
        try:
            await self._receiver.wait_for_head()
        except BaseException:
            self.close()
            raise
        return self

    @property
    def head(self) -> ResponseHead:
        """The status line and headers, as they came."""
        return self._receiver.head

    @property
    def framing(self) -> Framing:
        """How the upstream tells the body's end."""
        return self._receiver.framing

    @property
    def trailers(self) -> Headers:
        """The trailer section of a chunked answer; known once the body has been read."""
        return self._receiver.trailers

    @property
    def upgraded(self) -> Tunnel | None:
        """The raw bytes both ways after 101, else None."""
        return Tunnel(self._call, self._receiver) if self.framing is Framing.UPGRADE else None

    def take_whole(self) -> bytes | None:
        """The rest of the body if it has all arrived, so that it can go out in one write. Else None."""
        return self._receiver.take_all()

    async def read(self) -> bytes:
        """The rest of the body, however large it is."""
        return b"".join([piece async for piece in self])

    def __aiter__(self) -> UpstreamResponse:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._receiver.next_piece()
        except BaseException:
            self.close()
            raise
        if piece is None:
            raise StopAsyncIteration
        return piece

    def close(self) -> None:
        """Ends the exchange if it is not over. A finished one has already given its connection back."""
        if self._upload is not None:
            self._upload.cancel()
        if not self._call.done:
            self._call.abort()

    async def __aenter__(self) -> UpstreamResponse:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
