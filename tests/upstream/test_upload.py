"""A request's body, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from gateway.upstream.upload import BodyLengthError, Upload, declared_length
from gateway.upstream.upstream_call import UpstreamCall
from tests.upstream.scripted import until


@pytest.mark.parametrize(
    ("head", "length"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\n", 12),
        (b"POST / HTTP/1.1\r\nA: b\r\ncontent-LENGTH:0 \r\nB: c\r\n\r\n", 0),
        (b"GET /?content-length:9 HTTP/1.1\r\nX-Content-Length: 9\r\n\r\n", None),
    ],
)
def test_what_the_head_promises(head: bytes, length: int | None) -> None:
    assert declared_length(head) == length


class Drain:
    """In place of a call."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.end = ""

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def write_end(self) -> None:
        self.end = "complete"

    def abort(self) -> None:
        self.end = "aborted"


async def send(
    length: int | None, *pieces: bytes | Exception, room: asyncio.Event | None = None
) -> tuple[Drain, list[BaseException]]:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    drain, errors = Drain(), []  # type: ignore[var-annotated]  # told by the return type
    if room is None:
        room = asyncio.Event()
        room.set()
    upload = Upload(body(), length)
    upload.start(cast(UpstreamCall, drain), room, errors.append)
    await until(lambda: drain.end)
    return drain, errors


async def test_a_body_of_the_promised_length() -> None:
    drain, errors = await send(3, b"ab", b"c")
    assert (drain.written, drain.end, errors) == ([b"ab", b"c"], "complete", [])


async def test_a_chunked_body_is_of_any_length() -> None:
    drain, _ = await send(None, b"ab", b"c")
    assert drain.end == "complete"


@pytest.mark.parametrize("pieces", [[b"ab"], [], [b"abc", b"d"], [b"abcd"]])
async def test_a_body_of_another_length_is_never_completed(pieces: list[bytes]) -> None:
    drain, errors = await send(3, *pieces)
    assert drain.end == "aborted"
    assert len(b"".join(drain.written)) <= 3
    assert isinstance(errors[0], BodyLengthError)


async def test_what_the_source_raises_ends_it() -> None:
    drain, errors = await send(None, b"ab", KeyError("x"))
    assert (drain.written, drain.end) == ([b"ab"], "aborted")
    assert isinstance(errors[0], KeyError)


async def test_nothing_is_written_without_room() -> None:
    room = asyncio.Event()
    task = asyncio.create_task(send(None, b"ab", room=room))
    await asyncio.sleep(0.02)
    assert not task.done()
    room.set()
    assert (await task)[0].written == [b"ab"]
