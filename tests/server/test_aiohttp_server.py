"""A server whose connections are the gateway's own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from gateway.http.head_limits import DEFAULT_LIMITS
from gateway.server.aiohttp_server import GatewayRunner, GatewayServer
from gateway.server.connection_limits import ConnectionLimits
from gateway.server.connection_manager import ConnectionManager
from gateway.server.min_data_rate import MinDataRate
from gateway.server.settings import ConnectionSettings
from tests.raw import RawClient, until

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def handle(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="answer")


def settings(fast_path: Any = None, header: float = 5.0, idle: float = 5.0) -> ConnectionSettings:
    door = ConnectionManager(ConnectionLimits(100, 100, bool), MinDataRate(5.0, 1), min(header, idle))
    return ConnectionSettings(door, header, idle, float, lambda: "id", fast_path)


def served(fast_path: Any = None) -> GatewayServer:
    """A server; `fast_path` is as much of one as is asked."""
    return GatewayServer(web.Server(handle), settings(fast_path))


@asynccontextmanager
async def listening(server: GatewayServer) -> AsyncIterator[int]:
    """It accepts; yields its port."""
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    yield listener.sockets[0].getsockname()[1]
    listener.close()
    await server.shutdown(0.1)


async def test_a_connection_needs_nothing_of_aiohttp_before_its_first_request() -> None:
    server = served()
    made: list[object] = []
    handler = server.handler
    server.handler = lambda owner: made.append(owner) or handler(owner)  # type: ignore[func-returns-value, method-assign]  # noted, then made
    async with listening(server) as port, await RawClient.connect("127.0.0.1", port) as client:
        await until(lambda: server.connections)
        assert not made
        for _ in range(3):
            assert (await client.ask(GET)).content == b"answer"
        assert made == server.connections


async def test_the_gateway_refuses_too_many_headers_before_aiohttp_does() -> None:
    server = served()
    assert server.handler(server()).max_headers > DEFAULT_LIMITS.headers


async def test_a_server_begins_without_a_drain() -> None:
    assert not served().shutting_down


async def test_idle_connections_are_closed_when_it_stops_and_busy_ones_after_their_answer() -> None:
    go_on = asyncio.Event()
    asked = asyncio.Event()

    async def waits(_: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        await go_on.wait()
        return web.Response(text="late")

    server = GatewayServer(web.Server(waits), settings())
    async with (
        listening(server) as port,
        await RawClient.connect("127.0.0.1", port) as idle,
        await RawClient.connect("127.0.0.1", port) as busy,
    ):
        await busy.send(GET)
        await asked.wait()
        server.pre_shutdown()
        assert await idle.closed()
        go_on.set()
        assert (await busy.receive()).content == b"late"
        assert await busy.closed()


async def test_the_runner_serves_an_application() -> None:
    app = web.Application()
    runner = GatewayRunner(app, settings(), drain=0.1)
    await runner.setup()
    assert isinstance(runner.server, GatewayServer)
    await runner.cleanup()


async def test_connections_are_known_until_they_are_gone() -> None:
    server = served()
    here, there = socket.socketpair()
    transport, made = await asyncio.get_running_loop().connect_accepted_socket(server, there)
    assert server.connections == [made]
    transport.abort()
    await until(lambda: not server.connections)
    here.close()
