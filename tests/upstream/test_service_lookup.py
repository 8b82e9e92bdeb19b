"""SRV records, from a DNS server on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.upstream.service_lookup import ServiceTarget, service_lookup
from tests.name_server import NameServer, name_server

NAME = "_http._tcp.orders.test."


@pytest.fixture
def server() -> Iterator[NameServer]:
    with name_server() as found:
        yield found


async def test_records_have_host_port_priority_and_weight(server: NameServer) -> None:
    server.records[NAME] = [(20, 0, 81, "C.test."), (10, 5, 80, "b.test."), (10, 1, 80, "a.test.")]
    server.ttl = 7
    records = await service_lookup([("127.0.0.1", server.port)])("_http._tcp.orders.test")
    assert records.targets == (
        ServiceTarget("a.test", 80, 10, 1),
        ServiceTarget("b.test", 80, 10, 5),
        ServiceTarget("c.test", 81, 20, 0),
    )
    assert records.lifetime == 7


async def test_a_service_that_is_not_available_has_no_targets(server: NameServer) -> None:
    server.records[NAME] = [(0, 0, 0, ".")]
    assert (await service_lookup([("127.0.0.1", server.port)])(NAME)).targets == ()


@pytest.mark.parametrize("down", [True, False])
async def test_no_answer_is_an_error(server: NameServer, down: bool) -> None:
    server.down = down
    with pytest.raises(OSError, match=r"_http\._tcp\.orders\.test\.: "):
        await service_lookup([("127.0.0.1", server.port)])(NAME)
