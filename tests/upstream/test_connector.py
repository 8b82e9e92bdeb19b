"""Reaching a server: by name, by any of its addresses, by a socket."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Iterator

import pytest

from gateway.upstream.address import parse_server_address
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.connector import Connector
from gateway.upstream.errors import UpstreamBroken
from tests.upstream.defaults import a_server, an_upstream, pool_of, timeouts_of
from tests.upstream.fetching import FetchingUpstream
from tests.upstream.scripted import MakeUpstream, Serve, always, answer, get


@pytest.fixture
def socket_path() -> Iterator[str]:
    # Not under pytest's directories: a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="gatepost-test-") as folder:
        yield f"{folder}/s"


async def test_a_server_behind_a_unix_socket(
    serve: Serve, make_upstream: MakeUpstream, socket_path: str
) -> None:
    await serve(always(answer()), path=socket_path)
    upstream = await make_upstream(f"unix:{socket_path}")
    assert await (await upstream.fetch(get(), "GET")).read() == b"ok"


async def test_a_unix_socket_without_a_server(make_upstream: MakeUpstream, socket_path: str) -> None:
    upstream = await make_upstream(f"unix:{socket_path}")
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get(), "GET")


def upstream_by_name(port: int, *addresses: str, connect: float = 10.0) -> FetchingUpstream:
    async def lookup(host: str, port: int) -> list[str]:
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return list(addresses)

    settings = an_upstream((a_server(f"http://orders.test:{port}"),), timeouts=timeouts_of(connect=connect))
    return FetchingUpstream("test", settings, lookup=lookup)


async def test_all_addresses_are_tried(serve: Serve) -> None:
    server = await serve(always(answer()))
    upstream = upstream_by_name(server.port, "127.0.0.66", "127.0.0.77", "127.0.0.1")
    await upstream.start()
    assert (await upstream.fetch(get(), "GET")).head.status == 200
    await upstream.stop()


@pytest.mark.parametrize("addresses", [(), ("127.0.0.66", "127.0.0.77")])
async def test_no_address_answers(addresses: tuple[str, ...]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        upstream = upstream_by_name(unused.getsockname()[1], *addresses)
        await upstream.start()
        with pytest.raises(UpstreamBroken):
            await upstream.fetch(get(), "GET")
        await upstream.stop()


async def test_an_address_that_swallows_everything_leaves_time_for_the_others(serve: Serve) -> None:
    server = await serve(always(answer()))
    with socket.socket() as full:
        full.bind(("127.0.0.66", server.port))
        full.listen(0)
        with socket.create_connection(("127.0.0.66", server.port)):
            upstream = upstream_by_name(server.port, "127.0.0.66", "127.0.0.1", connect=2.0)
            await upstream.start()
            assert (await upstream.fetch(get(), "GET")).head.status == 200
            await upstream.stop()


async def test_a_connection_made_by_hand(serve: Serve) -> None:
    server = await serve(always(answer()))
    loop = asyncio.get_running_loop()
    upstream = upstream_by_name(server.port, "127.0.0.1")
    await upstream.start()
    connector = Connector(parse_server_address(server.url), timeout=pool_of().queue_timeout)
    pool = upstream.servers[0].pool
    connection = await connector.connect(lambda: UpstreamConnection(loop, pool, pool_of()))
    assert connection.open
    connection.abort()
    assert not connection.open
    await upstream.stop()
