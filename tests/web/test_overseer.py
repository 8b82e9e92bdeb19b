"""Who is let in, and who is put out again."""

import asyncio

from gateway.web.gate import GateLimits
from gateway.web.overseer import Overseer
from gateway.web.patience import Patience


class Connection:
    address = "192.0.2.1"

    def __init__(self) -> None:
        self.looked = asyncio.Event()

    def look(self, now: float) -> None:
        self.looked.set()


def overseer() -> Overseer:
    return Overseer(GateLimits(2, 2, lambda address: False), Patience(0.04, 500))


async def test_every_connection_is_looked_at_again_and_again() -> None:
    server, connections = overseer(), [Connection(), Connection()]
    assert all(server.enter(connection) for connection in connections)
    for _ in range(2):
        for connection in connections:
            await asyncio.wait_for(connection.looked.wait(), 5)
            connection.looked.clear()
    for connection in connections:
        server.leave(connection)


async def test_who_was_not_let_in_leaves_no_trace() -> None:
    server, connections = overseer(), [Connection() for _ in range(3)]
    assert [server.enter(connection) for connection in connections] == [True, True, False]
    server.leave(connections[2])
    assert not server.enter(connections[2])
    server.leave(connections[0])
    assert server.enter(connections[2])
