"""A sink that writes down what it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.http.exchange import Headers, ResponseHead
from gateway.upstream.errors import UpstreamError
from gateway.upstream.response_handler import UpstreamFraming
from tests.upstream.scripted import until


class Recorder:
    """What came, in its order, as names with values."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.head: ResponseHead | None = None
        self.framing: UpstreamFraming | None = None
        self.body = b""
        self.error: UpstreamError | None = None
        self.ended = False
        self.room = False
        self.react: Callable[[str], None] = lambda event: None
        """Called after each event with its name."""

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    async def done(self) -> None:
        await until(lambda: self.ended or self.error)

    def _note(self, name: str, value: Any = None) -> None:
        self.events.append((name, value))
        self.react(name)

    def on_informational(self, head: ResponseHead) -> None:
        self._note("informational", head.status)

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        self.head, self.framing, self.body, self.ended = head, framing, body, True
        self._note("whole", trailers)

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        self.head, self.framing = head, framing
        self._note("head")

    def on_data(self, data: bytes) -> None:
        self.body += data
        self._note("data", data)

    def on_end(self, trailers: Headers) -> None:
        self.ended = True
        self._note("end", trailers)

    def on_error(self, error: UpstreamError) -> None:
        self.error = error
        self._note("error")

    def pause_writing(self) -> None:
        self.room = False
        self._note("pause")

    def resume_writing(self) -> None:
        self.room = True
        self._note("resume")
