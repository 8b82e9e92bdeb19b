"""Who is let in, and who is put out again."""

import asyncio

from gateway.runtime.beat import BEAT
from gateway.server.connection_limits import ConnectionLimits
from gateway.server.connection_manager import ConnectionManager
from gateway.server.min_data_rate import MinDataRate


class Connection:
    address = "192.0.2.1"

    def __init__(self, *, waits: bool = False) -> None:
        self.looked = asyncio.Event()
        self.looks = 0
        self._waits = waits

    def check_timeouts(self, now: float) -> bool:
        self.looked.set()
        self.looks += 1
        return self._waits


def connection_manager(seconds: float = 0.04) -> ConnectionManager:
    return ConnectionManager(ConnectionLimits(2, 2, lambda address: False), MinDataRate(seconds, 500))


async def test_every_connection_is_looked_at_again_and_again() -> None:
    server, connections = connection_manager(), [Connection(), Connection()]
    assert all(server.register(connection) for connection in connections)
    for _ in range(2):
        for connection in connections:
            await asyncio.wait_for(connection.looked.wait(), 20)
            connection.looked.clear()
    for connection in connections:
        server.unregister(connection)


async def test_one_that_waits_for_its_client_is_looked_at_at_each_beat_and_no_other_is() -> None:
    server, waits, rests = connection_manager(16 * BEAT), Connection(waits=True), Connection()
    assert server.register(waits)
    assert server.register(rests)
    await asyncio.wait_for(rests.looked.wait(), 20)
    while rests.looks < 2:
        waits.looked.clear()
        await asyncio.wait_for(waits.looked.wait(), 20)
    # Four beats lie between two looks at all. A busy machine may miss one.
    assert waits.looks >= rests.looks + 2
    server.unregister(waits)
    server.unregister(rests)


async def test_one_that_has_gone_is_not_looked_at_any_more() -> None:
    server, gone, stays = connection_manager(4 * BEAT), Connection(waits=True), Connection()
    assert server.register(gone)
    assert server.register(stays)
    await asyncio.wait_for(stays.looked.wait(), 20)
    server.unregister(gone)
    looks = gone.looks
    stays.looked.clear()
    await asyncio.wait_for(stays.looked.wait(), 20)
    assert gone.looks == looks
    server.unregister(stays)


async def test_who_was_not_let_in_leaves_no_trace() -> None:
    server, connections = connection_manager(), [Connection() for _ in range(3)]
    assert [server.register(connection) for connection in connections] == [True, True, False]
    server.unregister(connections[2])
    assert not server.register(connections[2])
    server.unregister(connections[0])
    assert server.register(connections[2])


async def test_who_waits_for_tls_counts_and_is_not_counted_twice() -> None:
    server, connections = connection_manager(), [Connection() for _ in range(3)]
    assert [server.begin(connection) for connection in connections] == [True, True, False]
    assert server.open_connections == []
    assert server.register(connections[0])
    assert server.open_connections == [connections[0]]
    server.unregister(connections[1])
    assert server.register(connections[2])
    assert not server.register(connections[1])
