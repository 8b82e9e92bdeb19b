"""How long an idle connection is kept, and that its pool hears of its end."""

from __future__ import annotations

import asyncio

from tests.upstream.defaults import pool_of
from tests.upstream.scripted import until
from tests.upstream.wire import wired


async def test_the_pool_hears_once_that_a_connection_is_closed() -> None:
    connection, transport, keeper = wired(asyncio.get_running_loop())
    assert connection.open
    connection.discard()
    connection.discard()
    connection.connection_lost(None)
    assert keeper.gone == [connection]
    assert transport.closed
    assert not connection.open


async def test_a_connection_is_kept_while_it_is_of_use() -> None:
    connection, _, keeper = wired(asyncio.get_running_loop())
    assert connection.keep()
    connection.discard()
    assert not connection.keep()
    assert keeper.gone == [connection]


async def test_a_closing_connection_is_not_kept() -> None:
    connection, transport, keeper = wired(asyncio.get_running_loop())
    transport.closed = True
    assert not connection.keep()
    assert keeper.gone == [connection]


async def test_the_pool_hears_how_long_a_connection_was_idle_when_the_upstream_closed_it() -> None:
    loop = asyncio.get_running_loop()
    for event in ("eof_received", "connection_lost"):
        connection, _, keeper = wired(loop)
        connection.keep()
        await asyncio.sleep(0.02)
        getattr(connection, event)(*([None] if event == "connection_lost" else []))
        [idle_for] = keeper.idle_for
        assert idle_for is not None
        assert 0.015 < idle_for < 10


async def test_a_connection_closed_by_the_gateway_says_nothing_of_the_upstream() -> None:
    connection, _, keeper = wired(asyncio.get_running_loop())
    connection.keep()
    connection.discard()
    connection.connection_lost(None)
    assert keeper.idle_for == [None]


async def test_an_unused_connection_is_closed() -> None:
    connection, transport, keeper = wired(asyncio.get_running_loop(), pool_of(keep_alive=0.02))
    connection.keep()
    await until(lambda: keeper.gone)
    assert transport.closed


async def test_an_old_connection_is_closed() -> None:
    connection, _, keeper = wired(asyncio.get_running_loop(), pool_of(lifetime=0.0))
    assert not connection.keep()
    assert (keeper.free, keeper.gone) == ([], [connection])
