"""Bytes that are seen stay in the socket."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from gateway.process.peek import peek

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    one.setblocking(False)
    with one, other:
        yield one, other


def line(data: bytes) -> bytes | None:
    return data if data.endswith(b"\n") else None


async def test_what_comes_in_parts_is_waited_for_and_left(pair: Pair) -> None:
    looking = asyncio.create_task(peek(pair[0], 100, line))
    for part in (b"a", b"b\n"):
        await asyncio.sleep(0)
        pair[1].sendall(part)
    assert await asyncio.wait_for(looking, 20) == b"ab\n"
    assert pair[0].recv(100) == b"ab\n"


async def test_no_more_than_the_limit_is_seen(pair: Pair) -> None:
    pair[1].sendall(bytes(1000))
    assert len(await peek(pair[0], 10, lambda data: data)) == 10


async def test_an_end_before_the_first_byte_is_an_error(pair: Pair) -> None:
    pair[1].close()
    with pytest.raises(ConnectionError):
        await peek(pair[0], 10, line)
