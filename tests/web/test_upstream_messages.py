"""Responses of unusual shape, as clients get them: on both ways."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.raw import RawClient, RawUpstream, says
from tests.running import Running
from tests.web_gateway import problem, request

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "chunk", [b"zz\r\nhello\r\n", b"-1\r\n", b"\r\n", b"5hello\r\n", b"fffffffffffffffff\r\n"]
)
async def test_a_bad_first_chunk_is_502(client: RawClient, upstream: RawUpstream, chunk: bytes) -> None:
    for method in ("GET", "POST"):
        upstream.reset(says(CHUNKED + chunk))
        reply = await client.ask(request("/open", method=method))
        assert (reply.status, problem(reply)["code"]) == (502, "101503")
        # As the breaker wants it.
        upstream.reset()
        assert (await client.ask(request("/open"))).status == 200


async def test_after_a_sound_chunk_a_bad_one_breaks_off(client: RawClient, upstream: RawUpstream) -> None:
    upstream.reset(says(CHUNKED + b"2\r\nok\r\nzz\r\n"))
    await client.send(request("/open"))
    head = await client.receive(body=False)
    assert head.status == 200
    received = b""
    with suppress(ConnectionError):
        received = await client.rest()
    assert not received.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("rest", [OK, HINTS + OK, CHUNKED + b"2\r\nok\r\n0\r\n\r\n"])
async def test_hints_that_say_close_are_followed_by_the_response(
    gateway: Running, upstream: RawUpstream, rest: bytes
) -> None:
    upstream.reset(says(HINTS + rest))
    for _ in range(2):
        async with await gateway.connect() as client:
            await client.send(request("/open", "Connection: close"))
            *hints, head, _ = (await client.rest()).split(
                b"\r\n\r\n", 1 + HINTS.count(b"103") + rest.count(b"103")
            )
        assert hints
        assert all(hint.startswith(b"HTTP/1.1 103 ") and b"Link: </a>" in hint for hint in hints)
        assert all(b"Connection" not in hint for hint in hints)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
