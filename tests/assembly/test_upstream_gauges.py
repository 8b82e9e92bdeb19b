"""How servers do, as it is read by those who watch."""

from __future__ import annotations

from gateway.assembly.upstream_gauges import upstream_gauges
from gateway.upstream import Upstream
from gateway.upstream.errors import UpstreamBroken
from tests.upstream.defaults import a_server, an_upstream, breaker_of, health_of

NEVER_ASKED = health_of(interval=3600, unhealthy_after=1)
A, B = ("o", "http://127.0.0.1:1"), ("o", "http://127.0.0.1:2")


async def test_health_and_breaker_of_each_server() -> None:
    upstream = Upstream(
        "o",
        an_upstream(
            (a_server(A[1]), a_server(B[1])),
            health=NEVER_ASKED,
            breaker=breaker_of(failures=1),
        ),
    )
    read = upstream_gauges([upstream])
    assert read() == {}, "not started yet"
    await upstream.start()
    try:
        upstream.servers[0].failed(UpstreamBroken("x"))
        upstream.servers[1].on_health_check("bad")
        gauges = read()
    finally:
        await upstream.stop()
    assert gauges["upstream_breaker_open"] == {A: 1, B: 0}
    assert gauges["upstream_healthy"] == {A: 1, B: 0}
    assert gauges["upstream_in_flight"] == {A: 0, B: 0}
    assert gauges["upstream_connections"] == {A: 0, B: 0}
