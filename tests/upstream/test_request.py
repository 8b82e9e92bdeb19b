"""What is sent, byte for byte."""

from __future__ import annotations

import asyncio

import pytest

from gateway.upstream.request import UpstreamRequest
from tests.upstream.defaults import timeouts_of
from tests.upstream.recorder import Recorder
from tests.upstream.scripted import get
from tests.upstream.wire import wired


async def test_the_head_leaves_as_it_is() -> None:
    connection, transport, _ = wired(asyncio.get_running_loop())
    connection.send(Recorder(), UpstreamRequest(get("/a//b?c=%2f"), "GET", timeouts_of()))
    assert transport.written == [get("/a//b?c=%2f")]
    connection.abort()


@pytest.mark.parametrize(
    ("chunked", "written"), [(False, b"headabc"), (True, b"head2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")]
)
async def test_a_body_that_follows(chunked: bool, written: bytes) -> None:
    connection, transport, _ = wired(asyncio.get_running_loop())
    connection.send(
        Recorder(), UpstreamRequest(b"head", "POST", timeouts_of(), body_follows=True, chunked=chunked)
    )
    connection.write(b"ab")
    connection.write(b"c")
    connection.write_end()
    connection.write_end()
    assert b"".join(transport.written) == written
    connection.abort()
