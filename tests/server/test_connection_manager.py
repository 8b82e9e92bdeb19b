"""Who is let in, and who is put out again."""

import asyncio

from gateway.server.connection_limits import ConnectionLimits
from gateway.server.connection_manager import ConnectionManager
from gateway.server.min_data_rate import MinDataRate


class Connection:
    address = "192.0.2.1"

    def __init__(self) -> None:
        self.looked = asyncio.Event()

    def check_timeouts(self, now: float) -> None:
        self.looked.set()


def connection_manager() -> ConnectionManager:
    return ConnectionManager(ConnectionLimits(2, 2, lambda address: False), MinDataRate(0.04, 500))


async def test_every_connection_is_looked_at_again_and_again() -> None:
    server, connections = connection_manager(), [Connection(), Connection()]
    assert all(server.register(connection) for connection in connections)
    for _ in range(2):
        for connection in connections:
            await asyncio.wait_for(connection.looked.wait(), 20)
            connection.looked.clear()
    for connection in connections:
        server.unregister(connection)


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
