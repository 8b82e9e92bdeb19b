"""Sends the body of a request while the response may already be arriving."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable

from gateway.upstream.upstream_call import UpstreamCall

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n", re.IGNORECASE)


class BodyLengthError(ValueError):
    """The body given is not as long as the request's head says; the exchange has been aborted."""


def declared_length(head: bytes) -> int | None:
    """What the request's Content-Length says; None where there is none."""
    found = _CONTENT_LENGTH.search(head)
    return None if found is None else int(found[1])


class Upload:
    """Takes the pieces from an iterator and hands them to a call, as fast as the upstream reads.

    A body that ends early, by an error or in silence, never looks complete to the upstream: no last chunk is
    sent, or bytes are missing.
    """

    def __init__(self, body: AsyncIterator[bytes], length: int | None) -> None:
        """`length`: what the head promised; None for a chunked body."""
        self._body = body
        self._missing = length
        self._task: asyncio.Task[None] | None = None

    def start(self, call: UpstreamCall, room: asyncio.Event, failed: Callable[[Exception], None]) -> None:
        """Begins to send, whenever `room` is set; `failed` gets what the body's source raised."""
        self._task = asyncio.get_running_loop().create_task(self._run(call, room, failed))

    def cancel(self) -> None:
        """Sends no more."""
        # The task will hold an error whose traceback leads here.
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _run(
        self, call: UpstreamCall, room: asyncio.Event, failed: Callable[[Exception], None]
    ) -> None:
        try:
            await self._send(call, room)
        except Exception as error:  # whatever the source raises, the response's side decides on it
            call.abort()
            failed(error)

    async def _send(self, call: UpstreamCall, room: asyncio.Event) -> None:
        await room.wait()
        async for piece in self._body:
            self._count(len(piece))
            await room.wait()
            call.write(piece)
        if self._missing:
            raise BodyLengthError(f"the body ended {self._missing} bytes early")
        await room.wait()
        call.write_end()

    def _count(self, size: int) -> None:
        if self._missing is None:
            return
        self._missing -= size
        if self._missing < 0:
            raise BodyLengthError("the body is longer than its head says")
