"""Servers from SRV records: their priorities, weights, and what happens when they change."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from gateway.upstream.errors import UpstreamUnavailable
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.service_discovery import ServiceDiscovery
from gateway.upstream.service_lookup import ServiceRecords, ServiceTarget
from gateway.upstream.settings import UpstreamServerSettings
from gateway.upstream.upstream import Upstream
from tests.upstream.defaults import a_server, an_upstream, timeouts_of
from tests.upstream.recorder import Recorder

URL = "srv+http://_http._tcp.orders.test/v1"


class Records:
    """What DNS says, as a test sets it."""

    def __init__(self, *targets: ServiceTarget) -> None:
        self.targets = targets
        self.problem: OSError | None = None
        self.names: list[str] = []

    async def __call__(self, name: str) -> ServiceRecords:
        self.names.append(name)
        if self.problem is not None:
            raise self.problem
        return ServiceRecords(self.targets, 3600.0)


A, B, C = (
    ServiceTarget("127.0.0.1", 1, 10, 3),
    ServiceTarget("127.0.0.1", 2, 10, 1),
    ServiceTarget("127.0.0.1", 3, 20, 1),
)


@pytest.fixture
def records() -> Records:
    return Records(A, B, C)


@pytest.fixture
async def upstream(records: Records) -> AsyncIterator[Upstream]:
    made = Upstream("orders", an_upstream([a_server(URL)]), service_lookup=records)
    await made.start()
    yield made
    await made.stop()


async def test_a_change_is_reported_once_and_a_failure_keeps_the_servers(
    records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[UpstreamServerSettings, ...]] = []
    discovery = ServiceDiscovery(a_server(URL, weight=2), records, told.append)
    assert await discovery.refresh() == 60
    assert await discovery.refresh() == 60
    (servers,) = told
    assert [(one.url, one.weight, one.priority) for one in servers] == [
        ("http://127.0.0.1:1/v1", 600, 10),
        ("http://127.0.0.1:2/v1", 200, 10),
        ("http://127.0.0.1:3/v1", 200, 20),
    ]
    records.problem = OSError("no answer")
    with caplog.at_level(logging.WARNING):
        assert await discovery.refresh() == await discovery.refresh() == 2
    (message,) = caplog.messages
    assert message.startswith(
        "service _http._tcp.orders.test: no use of its SRV records: no answer; its last "
    )
    records.problem = None
    records.targets = (C,)
    await discovery.refresh()
    assert [one.url for one in told[-1]] == ["http://127.0.0.1:3/v1"]
    assert set(records.names) == {"_http._tcp.orders.test"}


async def test_requests_go_by_weight_to_the_first_priority(upstream: Upstream) -> None:
    assert upstream._balancer is not None
    names = Counter(upstream._balancer.choose().name for _ in range(40))
    assert names == {"http://127.0.0.1:1": 30, "http://127.0.0.1:2": 10}
    for server in upstream.servers[:2]:
        server.health.healthy = False
    assert upstream._balancer.choose().name == "http://127.0.0.1:3"


async def test_a_server_that_stays_keeps_its_state(upstream: Upstream) -> None:
    kept = upstream.servers[1]
    url = upstream.settings.servers[0].url
    upstream._take(url, (kept.settings, a_server("http://127.0.0.1:9/v1")))
    assert upstream.servers[0] is kept
    assert [server.name for server in upstream.servers] == ["http://127.0.0.1:2", "http://127.0.0.1:9"]


async def test_without_servers_requests_are_refused() -> None:
    records = Records()
    records.problem = OSError("no answer")
    upstream = Upstream("orders", an_upstream([a_server(URL)]), service_lookup=records)
    await upstream.start()
    request = UpstreamRequest(b"GET / HTTP/1.1\r\n\r\n", "GET", timeouts_of())
    with pytest.raises(UpstreamUnavailable, match="DNS names none"):
        upstream.begin(Recorder(), request)
    await upstream.stop()
