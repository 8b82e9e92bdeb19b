"""Servers are asked how they are."""

from __future__ import annotations

import asyncio

import pytest

from gateway.upstream.address import parse_address
from gateway.upstream.connector import Connector
from gateway.upstream.errors import UpstreamUnavailable
from gateway.upstream.health import HealthChecker, question
from gateway.upstream.settings import HealthSettings
from tests.upstream.scripted import MakeUpstream, Peer, ScriptedServer, Serve, always, answer, get, until


def test_the_question() -> None:
    asked = question("/health", parse_address("http://orders.test:9001"))
    assert asked.startswith(b"GET /health HTTP/1.1\r\nHost: orders.test:9001\r\n")
    assert b"\r\nConnection: close\r\n" in asked
    assert b"Host: localhost\r\n" in question("/", parse_address("unix:/run/app.sock"))
    assert b"Host: inner\r\n" in question("/", parse_address("http://orders.test:9001"), "inner")


def checker(server: ScriptedServer, timeout: float = 5.0) -> HealthChecker:
    address = parse_address(server.url)
    settings = HealthSettings(timeout=timeout)
    return HealthChecker(settings, address, Connector(address, timeout=5.0), lambda problem: None)


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ("200 OK", None),
        ("204 No Content", None),
        ("302 Found", None),
        ("404 Not Found", "answered 404"),
        ("503 Service Unavailable", "answered 503"),
    ],
)
async def test_what_is_a_good_answer(serve: Serve, status: str, problem: str | None) -> None:
    server = await serve(always(answer(status=status)))
    assert await checker(server).ask() == problem
    await until(lambda: server.open == 0)


async def test_a_long_answer_is_not_read(serve: Serve) -> None:
    server = await serve(always(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello"))
    assert await checker(server).ask() is None
    await until(lambda: server.open == 0)


async def test_no_answer_is_a_bad_one(serve: Serve) -> None:
    server = await serve(Peer.rest_of)
    assert await checker(server, timeout=0.05).ask() == "no answer within 0.05 s"

    async def hang_up(peer: Peer) -> None:
        await peer.head()

    assert await checker(await serve(hang_up)).ask() == "closed before it answered"
    server.stop_listening()
    assert await checker(server).ask() is not None


async def test_an_unwell_server_gets_no_requests_until_it_is_well(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    mood = {"status": "503 Service Unavailable"}

    async def moody(peer: Peer) -> None:
        while True:
            head = await peer.head()
            asked = head.startswith(b"GET /health ")
            await peer.say(answer(b"moody", status=mood["status"] if asked else "200 OK"))

    health = HealthSettings(interval=0.02, unhealthy_after=2, healthy_after=2)
    upstream = await make_upstream(
        (await serve(moody)).url, (await serve(always(answer(b"steady")))).url, health=health, slow_start=0.0
    )
    await until(lambda: not upstream.servers[0].condition.healthy)
    bodies = {await (await upstream.fetch(get(), "GET")).read() for _ in range(6)}
    assert bodies == {b"steady"}
    mood["status"] = "200 OK"
    await until(lambda: upstream.servers[0].condition.healthy)
    bodies = {await (await upstream.fetch(get(), "GET")).read() for _ in range(6)}
    assert bodies == {b"steady", b"moody"}


async def test_no_server_is_well(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(always(answer(status="500 Internal Server Error")))
    upstream = await make_upstream(server.url, health=HealthSettings(interval=0.02))
    await until(lambda: not upstream.servers[0].condition.healthy)
    with pytest.raises(UpstreamUnavailable) as refused:
        await upstream.fetch(get(), "GET")
    assert refused.value.retry_after >= 1


async def test_asking_ends_with_the_upstream(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(always(answer()))
    upstream = await make_upstream(server.url, health=HealthSettings(interval=0.01))
    await until(lambda: server.connections > 2)
    await upstream.stop()
    await until(lambda: server.open == 0)
    asked = server.connections
    await asyncio.sleep(0.05)
    assert server.connections == asked
