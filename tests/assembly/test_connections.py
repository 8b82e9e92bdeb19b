"""From `server` to the one who stands at the door."""

from gateway.assembly.connections import connection_manager, min_data_rate
from gateway.config.server import ServerSettings

SERVER = ServerSettings.model_validate(
    {
        "max_connections": 3,
        "max_connections_per_address": 2,
        "min_rate": 100,
        "timeouts": {"body": 5},
        "trusted_proxies": ["10.0.0.0/8"],
    }
)


class Connection:
    def __init__(self, address: str) -> None:
        self.address = address

    def look(self, now: float) -> None: ...


async def test_the_limits_are_those_of_the_configuration() -> None:
    door = connection_manager(SERVER, lambda _limit: None)
    assert [door.register(Connection("192.0.2.1")) for _ in range(3)] == [True, True, False]
    assert [door.register(Connection("192.0.2.2")) for _ in range(2)] == [True, False]


async def test_a_trusted_proxy_has_no_limit_of_its_own() -> None:
    door = connection_manager(SERVER, lambda _limit: None)
    assert all(door.register(Connection("10.1.2.3")) for _ in range(3))


def test_patience_is_that_of_the_configuration() -> None:
    assert min_data_rate(SERVER).for_bytes(200) == 7
