"""A connection's life, apart from what it carries."""

from __future__ import annotations

import asyncio

from gateway.upstream.settings import PoolSettings
from tests.upstream.scripted import until
from tests.upstream.wire import wired


async def test_its_owner_hears_once_that_it_is_gone() -> None:
    connection, transport, keeper = wired(asyncio.get_running_loop())
    assert connection.open
    connection.discard()
    connection.discard()
    connection.connection_lost(None)
    assert keeper.gone == [connection]
    assert transport.closed
    assert not connection.open


async def test_it_is_offered_while_it_is_of_use() -> None:
    connection, _, keeper = wired(asyncio.get_running_loop())
    connection.make_idle()
    assert keeper.free == [connection]
    connection.discard()
    connection.make_idle()
    assert keeper.free == [connection]


async def test_it_is_not_offered_when_it_is_closing() -> None:
    connection, transport, keeper = wired(asyncio.get_running_loop())
    transport.closed = True
    connection.make_idle()
    assert (keeper.free, keeper.gone) == ([], [connection])


async def test_unused_it_ends() -> None:
    connection, transport, keeper = wired(asyncio.get_running_loop(), PoolSettings(keep_alive=0.02))
    connection.make_idle()
    await until(lambda: keeper.gone)
    assert transport.closed


async def test_old_it_ends() -> None:
    connection, _, keeper = wired(asyncio.get_running_loop(), PoolSettings(lifetime=0.0))
    connection.make_idle()
    assert (keeper.free, keeper.gone) == ([], [connection])
