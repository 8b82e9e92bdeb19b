"""A service behind its listeners: opened whole or not at all, closed when everybody has an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from gateway.config.server import ServerTimeouts
from gateway.errors import StartError
from gateway.process.listeners import ListenAddress, ListenSocket, listen
from gateway.process.server_instance import ListenEndpoint, ServerInstance
from tests.raw import RawClient


class Answering:
    """A service that answers when it is told to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.life: list[str] = []
        self.management = web.Application()
        self._fails = fails
        app = web.Application()
        app.router.add_get("/", self.answer)
        self.runner = web.AppRunner(app, access_log=None, handler_cancellation=True)

    async def answer(self, _: web.Request) -> web.Response:
        self.asked.set()
        await self.go_on.wait()
        return web.Response(text="answer")

    async def start(self) -> None:
        self.life.append("started")
        if self._fails:
            raise StartError("no")
        await self.runner.setup()

    async def stop(self) -> None:
        self.life.append("stopped")
        await self.runner.cleanup()


def timeouts(drain: float) -> ServerTimeouts:
    return ServerTimeouts.model_validate({"drain": drain})


@asynccontextmanager
async def listener() -> AsyncIterator[ListenSocket]:
    (made,) = listen([ListenAddress("127.0.0.1", 0)])
    try:
        yield made
    finally:
        made.close()


async def get(door: ListenSocket) -> str:
    async with aiohttp.ClientSession() as session, session.get(str(door.address)) as response:
        return await response.text()


async def test_a_service_that_does_not_start_is_stopped_and_nothing_is_open() -> None:
    service = Answering(fails=True)
    closed: list[bool] = []
    async with listener() as door:
        generation = ServerInstance(service, timeouts(1.0), lambda: closed.append(True))
        with pytest.raises(StartError):
            await generation.open([ListenEndpoint(door.sockets)], None)
        assert service.life == ["started", "stopped"]
        assert closed == [True]


async def test_closing_waits_for_answers() -> None:
    service = Answering()
    async with listener() as door:
        generation = ServerInstance(service, timeouts(10.0))
        await generation.open([ListenEndpoint(door.sockets)], None)
        asking = asyncio.create_task(get(door))
        await service.asked.wait()
        closing = asyncio.create_task(generation.close(asyncio.Event()))
        await asyncio.sleep(0)
        assert not closing.done()
        service.go_on.set()
        assert await asking == "answer"
        await asyncio.wait_for(closing, 20)
        assert service.life == ["started", "stopped"]


@pytest.mark.parametrize("why", ["drain is over", "force"])
async def test_closing_waits_no_longer_than_it_may(why: str) -> None:
    service = Answering()
    force = asyncio.Event()
    async with listener() as door:
        generation = ServerInstance(service, timeouts(0.05 if why == "drain is over" else 60.0))
        await generation.open([ListenEndpoint(door.sockets)], None)
        async with await RawClient.connect("127.0.0.1", door.address.port) as connection:
            await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await service.asked.wait()
            closing = asyncio.create_task(generation.close(force))
            if why == "force":
                force.set()
            await asyncio.wait_for(closing, 20)
            assert await connection.closed()


async def test_the_listener_outlives_the_generation() -> None:
    async with listener() as door:
        for _ in range(2):
            service = Answering()
            service.go_on.set()
            generation = ServerInstance(service, timeouts(1.0))
            await generation.open([ListenEndpoint(door.sockets)], None)
            assert await get(door) == "answer"
            await generation.close(asyncio.Event())


async def test_two_generations_accept_from_one_listener() -> None:
    async with listener() as door:
        made: list[ServerInstance] = []
        for _ in range(2):
            service = Answering()
            service.go_on.set()
            made.append(ServerInstance(service, timeouts(1.0)))
            await made[-1].open([ListenEndpoint(door.sockets)], None)
        await made[0].close(asyncio.Event())
        assert await get(door) == "answer"
        await made[1].close(asyncio.Event())
