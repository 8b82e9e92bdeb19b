"""Requests with the gateway's own credentials: waiting for them, and once more after a 401."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.upstream import Upstream
from tests.upstream.defaults import a_server, an_upstream, timeouts_of
from tests.upstream.recorder import Recorder
from tests.upstream.scripted import (
    Peer,
    Script,
    ScriptedServer,
    Serve,
    always,
    answer,
    get,
    loop_turn,
    until,
)


class Lines:
    """Credentials that come when the test says so."""

    def __init__(self) -> None:
        self.line: bytes | None = None
        self.come = asyncio.Event()
        self.problem: UpstreamBroken | None = None
        self.rejections: list[bytes] = []
        self.stopped = False

    def current(self) -> bytes | None:
        return self.line

    async def fetch(self) -> bytes:
        await self.come.wait()
        if self.problem is not None:
            raise self.problem
        self.line = b"Authorization: %d\r\n" % len(self.rejections)
        return self.line

    def accepted(self) -> None:
        """Not looked at."""

    def rejected(self, line: bytes) -> bool:
        self.rejections.append(line)
        self.line = None
        return True

    async def stop(self) -> None:
        self.stopped = True


@asynccontextmanager
async def upstream_of(server: ScriptedServer, lines: Lines) -> AsyncIterator[Upstream]:
    upstream = Upstream("orders", an_upstream([a_server(server.url)]), credentials=lines)
    await upstream.start()
    yield upstream
    await upstream.stop()
    assert lines.stopped


def request(*, body_follows: bool = False) -> UpstreamRequest:
    return UpstreamRequest(get(), "POST", timeouts_of(), body_follows)


def picky(good: bytes, heads: list[bytes]) -> Script:
    """Answers 401 to every request without a line."""

    async def script(peer: Peer) -> None:
        while True:
            heads.append(await peer.head())
            status = "200 OK" if good in heads[-1] else "401 Unauthorized"
            await peer.say(answer(b"said", status=status))

    return script


async def test_a_request_waits_for_credentials_and_has_them_at_the_end_of_its_head(serve: Serve) -> None:
    heads: list[bytes] = []
    lines = Lines()
    async with upstream_of(await serve(picky(b"Authorization: 0", heads)), lines) as upstream:
        recorder = Recorder()
        upstream.begin(recorder, request())
        await loop_turn()
        assert recorder.events == []
        lines.come.set()
        await recorder.done()
        assert recorder.head is not None
        assert recorder.head.status == 200
        assert heads == [get()[:-2] + b"Authorization: 0\r\n\r\n"]
        assert upstream.active == 0


async def test_a_request_is_sent_once_more_with_new_credentials_even_a_post(serve: Serve) -> None:
    heads: list[bytes] = []
    lines = Lines()
    lines.line = b"Authorization: old\r\n"
    lines.come.set()
    async with upstream_of(await serve(picky(b"Authorization: 1", heads)), lines) as upstream:
        recorder = Recorder()
        upstream.begin(recorder, request())
        await recorder.done()
        assert recorder.head is not None
        assert recorder.head.status == 200
        assert (len(heads), lines.rejections) == (2, [b"Authorization: old\r\n"])
        assert upstream.active == 0


@pytest.mark.parametrize("whole", [True, False])
async def test_a_second_401_is_passed_on(serve: Serve, whole: bool) -> None:
    lines = Lines()
    lines.come.set()
    reply = answer(b"x" * (4 if whole else 300_000), status="401 Unauthorized")
    async with upstream_of(await serve(always(reply)), lines) as upstream:
        recorder = Recorder()
        upstream.begin(recorder, request())
        await recorder.done()
        assert recorder.head is not None
        assert recorder.head.status == 401
        assert len(lines.rejections) == 2
        assert upstream.active == 0


async def test_a_request_whose_body_is_streamed_is_not_sent_again(serve: Serve) -> None:
    lines = Lines()
    lines.come.set()
    server = await serve(always(answer(status="401 Unauthorized")))
    async with upstream_of(server, lines) as upstream:
        recorder = Recorder()
        call = upstream.begin(recorder, request(body_follows=True))
        await until(lambda: recorder.room)
        call.write_end()
        await recorder.done()
        assert recorder.head is not None
        assert recorder.head.status == 401
        assert len(lines.rejections) == 1


async def test_credentials_that_can_not_be_had_are_an_error(serve: Serve) -> None:
    lines = Lines()
    lines.problem = UpstreamBroken("no token")
    server = await serve(always(answer()))
    async with upstream_of(server, lines) as upstream:
        recorder = Recorder()
        upstream.begin(recorder, request())
        lines.come.set()
        await recorder.done()
        assert recorder.error is lines.problem
        assert server.connections == 0


async def test_a_request_that_is_given_up_while_it_waits_is_never_sent(serve: Serve) -> None:
    lines = Lines()
    server = await serve(always(answer()))
    async with upstream_of(server, lines) as upstream:
        recorder = Recorder()
        call = upstream.begin(recorder, request())
        await loop_turn()
        call.abort()
        lines.come.set()
        await loop_turn()
        assert (recorder.events, server.connections, upstream.active) == ([], 0, 0)
