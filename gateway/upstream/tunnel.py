"""The upstream's end of a connection that has become a tunnel: raw bytes both ways (RFC 9110 section 7.8)."""

from __future__ import annotations

from collections.abc import Callable

from gateway.http.exchange import Headers, ResponseHead
from gateway.upstream.errors import UpstreamError
from gateway.upstream.response_handler import ResponseHandler, UpstreamFraming
from gateway.upstream.upstream_call import UpstreamCall


class AfterUpgrade:
    """The calls of a `ResponseHandler` that do not come after 101: there is no further response."""

    __slots__ = ()

    def on_informational(self, head: ResponseHead) -> None:
        """Nothing."""

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        """Nothing."""

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        """Nothing."""


class Tunnel(AfterUpgrade):
    """Steers the upstream's end. Until somebody takes what comes, it holds that, and reads no more."""

    __slots__ = ("_call", "_ended", "_error", "_held", "write")

    def __init__(self, call: UpstreamCall) -> None:
        self._call: UpstreamCall | None = call
        """None when this end has closed: the two know each other."""
        self.write: Callable[[bytes], None] = call.write
        """Sends bytes. What is written while the upstream takes none is kept in memory."""
        self._held: list[bytes] = []
        self._ended = False
        self._error: UpstreamError | None = None
        call.hand_over(self)
        call.pause_reading()

    def give_to(self, handler: ResponseHandler) -> None:
        """From now on `handler` gets what comes; first what has come."""
        call = self._call
        if call is None:
            return
        call.hand_over(handler)
        for piece in self._held:
            handler.on_data(piece)
        self._held = []
        if self._error is not None:
            handler.on_error(self._error)
        elif self._ended:
            handler.on_end([])
        else:
            call.resume_reading()

    def write_end(self) -> bool:
        """Says that no more bytes follow. False: the connection can't (TLS), or is gone."""
        call = self._call
        if call is None or not call.can_half_close:
            return False
        call.write_end()
        return True

    def pause(self) -> None:
        """Reads no more for now."""
        if self._call is not None:
            self._call.pause_reading()

    def resume(self) -> None:
        """Reads on."""
        if self._call is not None:
            self._call.resume_reading()

    def close(self) -> None:
        """Ends the tunnel both ways. What is still written goes nowhere."""
        call, self._call = self._call, None
        self.write = _discard
        if call is not None and not call.done:
            call.abort()

    # What the upstream's connection calls while nobody takes it.

    def on_data(self, data: bytes) -> None:
        """Holds bytes."""
        self._held.append(data)

    def on_end(self, trailers: Headers) -> None:
        """Holds the end."""
        self._ended = True

    def on_error(self, error: UpstreamError) -> None:
        """Holds the error."""
        self._error = error

    def pause_writing(self) -> None:
        """Nothing: nobody writes yet."""

    def resume_writing(self) -> None:
        """Nothing, as above."""


def _discard(_: bytes) -> None:
    """Nobody takes it."""
