import asyncio

import pytest

from gateway.http.problems import Problem
from gateway.web.request_body import expects_continue, is_chunked
from tests.bounds import mostly_within
from tests.proxy.routing import request
from tests.raw import RawUpstream
from tests.running import Running


def test_a_chunked_body_is_distinguished_from_one_with_a_length() -> None:
    assert is_chunked(request("/", "POST", "a", (b"transfer-ENCODING", b"chunked")))
    assert not is_chunked(request("/", "POST", "a", (b"Content-Length", b"3")))


def test_who_expects_a_continue_is_distinguished_from_who_does_not() -> None:
    assert expects_continue(request("/", "POST", "a", (b"Expect", b"100-Continue")))
    assert not expects_continue(request("/"))


def test_any_other_expectation_fails() -> None:
    with pytest.raises(Problem) as caught:
        expects_continue(request("/", "POST", "a", (b"Expect", b"200-ok")))
    assert caught.value.kind.status == 417


@pytest.mark.parametrize("first", [b"3\r\nabc\r\n0", b"3\r\nabc", b"3\r\nabc\r\n", b"3"])
async def test_a_body_that_turns_out_malformed_later_is_refused_at_once(
    gateway: Running, upstream: RawUpstream, first: bytes
) -> None:
    head = b"POST /open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"3\r\nabc\r\n0\r\nX A\r\n\r\n"
    loop = asyncio.get_running_loop()

    async def seconds_to_refusal() -> float:
        async with await gateway.connect() as client:
            began = loop.time()
            await client.send(head + first)
            await asyncio.sleep(0.01)
            status = (await client.ask(body.removeprefix(first))).status
            taken = loop.time() - began
        assert status == 400 or taken >= 2.9
        return taken

    # Before the time-out of the body, three seconds.
    await mostly_within(2.9, seconds_to_refusal, good=1)
    assert not upstream.requests


@pytest.mark.parametrize("line", [b"G@T /open HTTP/1.1", b"GET  /open HTTP/1.1", b"GET /open HTTP/1.2"])
async def test_a_bad_request_line_in_two_segments_is_refused_like_one(gateway: Running, line: bytes) -> None:
    data = line + b"\r\nHost: a\r\n\r\n"
    for place in (1, 5, len(line) - 1):
        connected = await gateway.connect()
        await connected.send(data[:place])
        await asyncio.sleep(0.01)
        assert (await connected.ask(data[place:])).status == (505 if line.endswith(b"1.2") else 400)
        await connected.close()
