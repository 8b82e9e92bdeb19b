"""One server: how it fares is noted, and whoever waits for it hears of it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gateway.upstream.circuit_breaker import BreakerState
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamUnavailable
from gateway.upstream.server import UpstreamServer
from gateway.upstream.settings import (
    HealthSettings,
)
from tests.upstream.defaults import a_server, an_upstream, breaker_of, health_of
from tests.upstream.scripted import until

BROKEN = UpstreamBroken("refused")


def make(url: str = "http://127.0.0.1:1", health: HealthSettings | None = None) -> UpstreamServer:
    settings = a_server(url, weight=3)
    upstream = an_upstream((settings,), breaker=breaker_of(failures=1, open_for=0.0), health=health)
    return UpstreamServer(settings, upstream)


async def test_it_is_known_by_its_address() -> None:
    server = make("https://orders.test")
    assert server.name == "https://orders.test:443"
    assert server.share == 3.0


async def test_a_failure_is_noted_and_an_answer_after_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="gatepost")
    server = make()
    call = object()
    assert not server.entered(call)
    server.failed(BROKEN)
    server.left(call, undecided=False)
    assert server.health.breaker.state is BreakerState.OPEN
    assert server.entered(call)
    server.answered()
    server.left(call, undecided=False)
    assert server.health.breaker.calm
    assert server.active == 0
    assert [record.message for record in caplog.records] == [
        "server http://127.0.0.1:1: circuit breaker open for 0 s: 1 failures in a row, the last: refused",
        "server http://127.0.0.1:1: circuit breaker closed: it responds again",
    ]


async def test_our_own_line_is_not_its_fault() -> None:
    server = make()
    server.on_connect_error(UpstreamUnavailable("the line is full"))
    assert server.health.breaker.calm
    server.on_connect_error(BROKEN)
    assert not server.health.breaker.calm


async def test_questions_decide_on_its_health(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="gatepost")
    server = make(health=health_of(unhealthy_after=1))
    for problem in ("answered 500", "answered 500", None, None):
        server.on_health_check(problem)
    assert [record.message.split()[2:] for record in caplog.records] == [
        ["is", "unhealthy:", "answered", "500"],
        ["is", "healthy", "again"],
    ]


class Guest:
    """Waits for a connection."""

    error: UpstreamError | None = None

    def on_connection(self, connection: object) -> None:
        raise AssertionError("nobody listens there")

    def on_no_connection(self, error: UpstreamError) -> None:
        self.error = error


async def test_whatever_goes_wrong_the_one_who_waits_hears_of_it() -> None:
    errors: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: errors.append(context["exception"]))

    async def lookup(host: str, port: int) -> list[str]:
        raise RuntimeError("a fault of our own")

    settings = a_server("http://orders.test")
    server = UpstreamServer(settings, an_upstream((settings,)), lookup=lookup)
    guest = Guest()
    server.pool.wait(guest)
    await until(lambda: guest.error)
    assert isinstance(guest.error, UpstreamBroken)
    assert server.pool.size == 0
    await until(lambda: errors)


async def test_a_name_that_is_none() -> None:
    server = make(f"http://{'a' * 70}.test")
    guest = Guest()
    server.pool.wait(guest)
    await until(lambda: guest.error)
    assert isinstance(guest.error, UpstreamBroken)
