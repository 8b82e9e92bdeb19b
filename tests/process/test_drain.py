"""Graceful drain of client connections."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from gateway.process import drain as drain_module
from gateway.process.drain import GracefulDrain
from tests.raw import LIMIT, RawClient

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Served:
    """A server with a `GracefulDrain`."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.asked = asyncio.Event()
        self.port = 0
        app = web.Application()
        app.router.add_get("/", self.answer)
        self.runner = web.AppRunner(app, access_log=None)

    async def answer(self, _: web.Request) -> web.Response:
        self.asked.set()
        await self.go_on.wait()
        return web.Response(text="answer")

    async def start(self) -> None:
        await self.runner.setup()
        assert self.runner.server is not None
        self.drain = GracefulDrain(self.runner.server)
        context = web.TCPSite(self.runner, "127.0.0.1", 0)
        await context.start()
        self.port = context.port

    def run(self, drain: float = 10.0) -> asyncio.Task[None]:
        return asyncio.create_task(self.drain.run(drain, asyncio.Event()))


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served()
    await made.start()
    yield made
    made.go_on.set()
    await made.runner.cleanup()


async def test_before_it_connections_are_kept(served: Served) -> None:
    served.go_on.set()
    async with await RawClient.connect("127.0.0.1", served.port) as connection:
        for _ in range(2):
            assert (await connection.ask(REQUEST)).header("Connection") is None


async def test_the_next_answer_is_the_last_and_says_so(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "IDLE_DELAY", 60.0)
    served.go_on.set()
    async with await RawClient.connect("127.0.0.1", served.port) as connection:
        await connection.ask(REQUEST)
        saying = served.run()
        await asyncio.sleep(0)
        last = await connection.ask(REQUEST)
        assert (last.body, last.header("Connection")) == (b"answer", "close")
        assert await connection.closed()
        await asyncio.wait_for(saying, LIMIT)


async def test_silent_connections_are_closed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_module, "IDLE_DELAY", 0.05)
    async with await RawClient.connect("127.0.0.1", served.port) as connection:
        saying = served.run()
        assert await connection.closed()
        await asyncio.wait_for(saying, LIMIT)


async def test_who_waits_for_an_answer_gets_it(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_module, "IDLE_DELAY", 0.0)
    async with await RawClient.connect("127.0.0.1", served.port) as connection:
        await connection.send(REQUEST)
        await served.asked.wait()
        saying = served.run()
        await asyncio.sleep(0.05)
        assert not saying.done()
        served.go_on.set()
        assert (await connection.receive()).body == b"answer"
        assert await connection.closed()
        await asyncio.wait_for(saying, LIMIT)


async def test_in_the_end_it_is_by_force(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(drain_module, "IDLE_DELAY", 0.0)
    async with await RawClient.connect("127.0.0.1", served.port) as connection:
        await connection.send(REQUEST)
        await served.asked.wait()
        await asyncio.wait_for(served.run(drain=0.05), LIMIT)
        assert await connection.closed()
    assert caplog.messages == ["shutdown timed out: 1 connections closed"]


async def test_without_connections_it_is_short(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_module, "IDLE_DELAY", 60.0)
    await asyncio.wait_for(served.run(), LIMIT)
