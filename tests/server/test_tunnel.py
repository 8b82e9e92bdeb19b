"""Upgraded connections: raw bytes both ways, after the same checks."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from gateway.http.websocket_frames import FrameFollower
from gateway.server.tunnel import GOING_AWAY, TOKEN_ENDED, TunnelRelay
from gateway.upstream.errors import UpstreamSlow
from gateway.upstream.response_handler import ResponseHandler
from gateway.upstream.tunnel import Tunnel
from gateway.upstream.upstream_call import UpstreamCall
from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage, RawUpstream, until
from tests.running import Running
from tests.web_gateway import ask_for_token, request

WISH = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x")
AGREED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\n"


async def echoes(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(AGREED + b"welcome")
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    return False


@pytest.mark.parametrize("protocol", ["websocket", "foo/1"])
async def test_bytes_go_both_ways(client: RawClient, upstream: RawUpstream, protocol: str) -> None:
    upstream.reset(echoes)
    reply = await client.ask(request("/open", "Connection: Upgrade", f"Upgrade: {protocol}"), body=False)
    assert reply.status == 101
    assert (reply.header("Connection"), reply.header("Upgrade"), reply.header("X-A")) == (
        "Upgrade",
        "websocket",
        "1",
    )
    assert await client.reader.readexactly(7) == b"welcome"
    body = bytes(range(256)) * 8000
    await asyncio.gather(client.send(body), taken(client, body))
    seen = await upstream.next()
    assert (seen.header("Connection"), seen.header("Upgrade")) == ("Upgrade", protocol)


async def taken(client: RawClient, body: bytes) -> None:
    assert await asyncio.wait_for(client.reader.readexactly(len(body)), 10) == body


async def test_bytes_that_follow_the_wish_at_once_are_not_lost(
    client: RawClient, upstream: RawUpstream
) -> None:
    upstream.reset(echoes)
    await client.send(request("/open", *WISH) + b"early")
    assert (await client.receive(body=False)).status == 101
    assert await asyncio.wait_for(client.reader.readexactly(12), 20) == b"welcomeearly"


async def test_the_same_checks_come_first(client: RawClient, upstream: RawUpstream) -> None:
    upstream.reset(echoes)
    assert (await client.ask(request("/read", *WISH))).status == 401
    assert upstream.requests == []


async def test_http_in_another_dress_is_answered_as_http(client: RawClient, upstream: RawUpstream) -> None:
    reply = await client.ask(request("/open", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"))
    assert reply.status == 200
    assert (await upstream.next()).header("Upgrade") is None


async def test_an_upstream_that_declines_is_heard(client: RawClient, upstream: RawUpstream) -> None:
    assert (await client.ask(request("/open", *WISH))).content == b"hello"
    assert (await client.ask(request("/open"))).status == 200


async def test_an_upgrade_that_nobody_asked_for_is_502(client: RawClient, upstream: RawUpstream) -> None:
    upstream.reset(echoes)
    assert (await client.ask(request("/open"))).status == 502


async def test_when_one_end_closes_the_other_does(client: RawClient, upstream: RawUpstream) -> None:
    async def ends(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(AGREED + b"bye")
        await writer.drain()
        return False

    upstream.reset(ends)
    await client.send(request("/open", *WISH))
    assert (await client.rest()).endswith(b"bye")


async def test_after_the_client_has_sent_its_last_the_upstream_is_heard(
    client: RawClient, upstream: RawUpstream
) -> None:
    async def to_end(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(AGREED)
        received = await reader.read()
        writer.write(b"got " + received)
        await writer.drain()
        return False

    upstream.reset(to_end)
    await client.send(request("/open", *WISH))
    assert (await client.receive(body=False)).status == 101
    await client.send(b"all of it")
    client.writer.write_eof()
    assert await client.rest() == b"got all of it"


async def test_after_the_upstream_has_sent_its_last_it_hears_the_client(
    client: RawClient, upstream: RawUpstream
) -> None:
    received: list[bytes] = []

    async def speaks_first(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(AGREED + b"bye")
        writer.write_eof()
        received.append(await reader.read())
        return False

    upstream.reset(speaks_first)
    await client.send(request("/open", *WISH))
    assert (await client.receive(body=False)).status == 101
    assert await client.rest() == b"bye"
    await client.send(b"still ")
    await client.send(b"here")
    client.writer.write_eof()
    await until(lambda: received)
    assert received == [b"still here"]


@pytest.mark.parametrize("how", ["ends", "revoked"])
async def test_a_tunnel_ends_with_its_token_where_the_route_says_so(
    client: RawClient, upstream: RawUpstream, valkey: Valkey, how: str
) -> None:
    upstream.reset(echoes)
    period = 4 if how == "ends" else 66
    answer = json.loads((await ask_for_token(client, f"validity_period={period}")).content)
    await client.send(request("/ends", f"Authorization: Bearer {answer['access_token']}", *WISH))
    assert (await client.receive(body=False)).status == 101
    if how == "revoked":
        with valkey.client as other:
            other.delete(*[key for key in other.scan_iter("test-web-*:t:*") if 60 < other.ttl(key) <= 66])
    pings = asyncio.create_task(ping(client))
    assert (await client.rest()).startswith(b"welcome")
    pings.cancel()


async def ping(client: RawClient) -> None:
    while True:
        await client.send(b".")
        await asyncio.sleep(0.2)


async def test_early_hints_reach_the_caller(
    client: RawClient, upstream: RawUpstream, gateway: Running
) -> None:
    async def hints(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return True

    upstream.reset(hints)
    early = await client.ask(request("/open"), body=False)
    assert (early.status, early.header("Link")) == (103, "</a>")
    assert (await client.receive()).content == b"ok"


class Client:
    """In place of the client's connection."""

    def __init__(self) -> None:
        self.sent = b""
        self.reading = self.connected = self.half_closes = True
        self.told_end = False

    def pause(self) -> None:
        self.reading = False

    def resume(self) -> None:
        self.reading = True

    def write(self, data: bytes) -> None:
        self.sent += data

    def write_end(self) -> bool:
        self.told_end = True
        return self.half_closes


class Call:
    """In place of the call upstream."""

    def __init__(self) -> None:
        self.sent = b""
        self.reading = self.can_half_close = True
        self.done = self.told_end = False

    def hand_over(self, handler: ResponseHandler) -> None:
        pass

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def write(self, data: bytes) -> None:
        self.sent += data

    def write_end(self) -> None:
        self.told_end = True

    def abort(self) -> None:
        self.done = True


Ended = Callable[[], Awaitable[None]]


class Ends:
    """A relay between two ends that a test moves by hand."""

    def __init__(self, *, websocket: bool = True, ended: Ended | None = None) -> None:
        self.client, self.call = Client(), Call()
        tunnel = Tunnel(cast(UpstreamCall, self.call))
        self.relay = TunnelRelay(self.client, tunnel, FrameFollower() if websocket else None)
        tunnel.give_to(self.relay)
        self.running = asyncio.ensure_future(self.relay.run(ended))

    async def over(self) -> int:
        """The bytes that went to the client, once it is over."""
        async with asyncio.timeout(10):
            carried = await self.running
        assert self.call.done, "the upstream's connection is closed"
        return carried


TEXT = b"\x81\x05hello"


async def test_bytes_pass_in_the_turn_in_which_they_come() -> None:
    ends = Ends()
    ends.relay.client_sent(b"question")
    ends.relay.on_data(TEXT)
    assert (ends.call.sent, ends.client.sent) == (b"question", TEXT)
    ends.relay.client_ended()
    assert ends.call.told_end
    ends.relay.on_data(TEXT)
    ends.relay.on_data(b"")
    assert await ends.over() == 2 * len(TEXT)
    assert ends.client.sent == 2 * TEXT


async def test_an_end_that_takes_no_more_keeps_the_other_from_being_read() -> None:
    ends = Ends()
    ends.relay.pause_writing()
    assert (ends.client.reading, ends.call.reading) == (False, True)
    ends.relay.resume_writing()
    ends.relay.pause()
    assert (ends.client.reading, ends.call.reading) == (True, False)
    ends.relay.resume()
    assert ends.call.reading
    ends.running.cancel()


@pytest.mark.parametrize("end", ["client", "upstream"])
async def test_where_one_direction_cannot_end_alone_both_end(end: str) -> None:
    ends = Ends()
    ends.call.can_half_close = ends.client.half_closes = False
    if end == "client":
        ends.relay.client_ended()
    else:
        ends.relay.on_data(b"")
    assert await ends.over() == 0


async def test_when_the_client_is_gone_it_is_over() -> None:
    ends = Ends()
    ends.client.connected = False
    ends.relay.client_ended()
    await ends.over()
    assert not ends.call.told_end


async def test_when_the_upstream_is_gone_the_client_hears_it_and_may_still_end() -> None:
    ends = Ends()
    ends.relay.on_end([])
    await asyncio.sleep(0)
    assert ends.client.told_end
    assert not ends.running.done()
    ends.relay.client_sent(b"nobody takes it")
    await ends.over()
    assert ends.call.sent == b""


async def test_an_upstream_that_is_silent_for_too_long_ends_it() -> None:
    ends = Ends()
    ends.relay.on_error(UpstreamSlow("idle"))
    assert await ends.over() == 0
    assert ends.client.sent == b""


async def test_at_a_shutdown_a_websocket_gets_a_close_frame_behind_the_present_one() -> None:
    ends = Ends()
    ends.relay.on_data(TEXT + TEXT[:3])
    ends.relay.end_stream(at_once=False)
    ends.relay.client_sent(b"dropped")
    for piece in (TEXT[3:5], TEXT[5:] + TEXT, TEXT):
        ends.relay.on_data(piece)
    ends.client.reading = False
    ends.relay.client_ended()
    assert await ends.over() == 2 * len(TEXT)
    assert ends.client.sent == TEXT + TEXT + GOING_AWAY.frame
    assert ends.client.told_end
    assert ends.client.reading, "what it still sends is taken, else its end would be a reset"
    assert ends.call.sent == b""


async def test_a_websocket_that_has_been_closed_gets_no_second_close_frame() -> None:
    ends = Ends()
    ends.relay.on_data(b"\x88\x00")
    ends.relay.end_stream(at_once=False)
    ends.relay.client_ended()
    await ends.over()
    assert ends.client.sent == b"\x88\x00"


async def test_behind_the_upstreams_last_byte_there_is_no_close_frame() -> None:
    ends = Ends()
    ends.relay.on_data(TEXT)
    ends.relay.on_data(b"")
    ends.relay.end_stream(at_once=False)
    await ends.over()
    assert ends.client.sent == TEXT


async def at_once() -> None:
    """The token has ended."""


async def fails() -> None:
    raise OSError("nobody knows of the token")


async def test_a_frame_that_takes_too_long_is_cut_when_the_token_ends() -> None:
    ends = Ends(ended=at_once)
    ends.relay.on_data(TEXT[:3])
    await asyncio.sleep(0)
    ends.relay.client_ended()
    assert await ends.over() == 3
    assert ends.client.sent == TEXT[:3]


async def test_an_upstream_that_ends_within_a_frame_is_not_waited_for() -> None:
    ends = Ends(ended=at_once)
    ends.relay.on_data(TEXT[:3])
    while not ends.relay._closing:  # noqa: ASYNC110 (a turn or two)
        await asyncio.sleep(0)
    ends.relay.on_end([])
    ends.relay.client_ended()
    await ends.over()
    assert ends.client.sent == TEXT[:3]


async def test_where_the_tokens_end_can_not_be_known_it_is_over_too() -> None:
    ends = Ends(ended=fails)
    while not ends.client.told_end:  # noqa: ASYNC110 (a turn or two)
        await asyncio.sleep(0)
    ends.relay.client_ended()
    with pytest.raises(OSError, match="nobody knows"):
        await ends.over()
    assert ends.client.sent == TOKEN_ENDED.frame


@pytest.mark.parametrize("ended", [None, at_once])
async def test_another_protocol_gets_no_frame(ended: Ended | None) -> None:
    ends = Ends(websocket=False, ended=ended)
    ends.relay.on_data(b"\x81")
    ends.relay.end_stream(at_once=True)
    await asyncio.sleep(0)
    assert not ends.running.done(), "a shutdown is not its end"
    if ended is None:
        ends.relay.client_ended()
        ends.relay.on_data(b"")
    assert await ends.over() == 1
    assert ends.client.sent == b"\x81"
