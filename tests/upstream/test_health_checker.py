"""Servers are asked how they are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.upstream.address import parse_server_address
from gateway.upstream.connector import Connector
from gateway.upstream.errors import UpstreamBroken, UpstreamUnavailable
from gateway.upstream.health_checker import HealthChecker, question
from tests.upstream.defaults import health_of
from tests.upstream.scripted import MakeUpstream, Peer, ScriptedServer, Serve, always, answer, get, until


def test_the_question() -> None:
    asked = question("/health", parse_server_address("http://orders.test:9001"))
    assert asked.startswith(b"GET /health HTTP/1.1\r\nHost: orders.test:9001\r\n")
    assert b"\r\nConnection: close\r\n" in asked
    assert b"Host: localhost\r\n" in question("/", parse_server_address("unix:/run/app.sock"))
    assert b"Host: inner\r\n" in question("/", parse_server_address("http://orders.test:9001"), "inner")


def checker(
    server: ScriptedServer, timeout: float = 5.0, credentials: Any = None, **changes: Any
) -> HealthChecker:
    address = parse_server_address(server.url)
    settings = health_of(timeout=timeout, **changes)
    connector = Connector(address, timeout=5.0)
    return HealthChecker(settings, address, connector, lambda problem: None, credentials)


@pytest.mark.parametrize(
    ("status", "by_default", "without_statuses"),
    [
        ("200 OK", None, None),
        ("204 No Content", "answered 204", None),
        ("302 Found", "answered 302", None),
        ("404 Not Found", "answered 404", "answered 404"),
        ("503 Service Unavailable", "answered 503", "answered 503"),
    ],
)
async def test_what_is_a_good_answer(
    serve: Serve, status: str, by_default: str | None, without_statuses: str | None
) -> None:
    server = await serve(always(answer(status=status)))
    assert await checker(server).ask() == by_default
    assert await checker(server, statuses=frozenset()).ask() == without_statuses
    await until(lambda: server.open == 0)


@pytest.mark.parametrize(
    ("expect", "reply", "problem"),
    [
        ({"statuses": frozenset({204})}, answer(status="204 No Content"), None),
        ({"statuses": frozenset({204})}, answer(), "answered 200"),
        ({"statuses": frozenset({503})}, answer(status="503 Service Unavailable"), None),
        ({"body": "ready: yes"}, answer(b"all is ready: yes."), None),
        ({"body": "ready"}, answer(b"starting"), "answered without the expected text in its body"),
        ({"body": "ready"}, answer(b"ready", status="500 Oh"), "answered 500"),
        ({"body": "é"}, answer("café".encode()), None),
        (
            {"body": "end"},
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nen\r\n1\r\nd\r\n0\r\n\r\n",
            None,
        ),
        (
            {"body": "x"},
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"a" * 70000,
            "answered without the expected text in its body",
        ),
    ],
)
async def test_health_expects_a_status_and_a_body(
    serve: Serve, expect: dict[str, Any], reply: bytes, problem: str | None
) -> None:
    server = await serve(always(reply))
    assert await checker(server, **expect).ask() == problem
    await until(lambda: server.open == 0)


def test_health_checks_have_headers_of_their_own() -> None:
    headers = (("Authorization", "Bearer x"), ("user-agent", "probe"))
    asked = question("/", parse_server_address("http://h:1"), "api.example.org", headers)
    lines = asked.decode().split("\r\n")
    assert lines[:2] == ["GET / HTTP/1.1", "Host: api.example.org"]
    assert "Authorization: Bearer x" in lines
    assert [line for line in lines if line.lower().startswith("user-agent")] == ["user-agent: probe"]


class Tokens:
    """Credentials whose token must be fetched first."""

    def __init__(self, *, out_of_reach: bool = False) -> None:
        self.out_of_reach = out_of_reach
        self.line: bytes | None = None
        self.fetched = 0

    def current(self) -> bytes | None:
        return self.line

    async def fetch(self) -> bytes:
        if self.out_of_reach:
            raise UpstreamBroken("no token")
        self.fetched += 1
        self.line = b"Authorization: Bearer %d\r\n" % self.fetched
        return self.line

    def accepted(self) -> None:
        """Nothing changes."""

    def rejected(self, line: bytes) -> bool:
        self.line = None
        return True

    async def stop(self) -> None:
        """Nothing is under way."""


async def test_checks_show_the_credentials_of_the_upstream_and_replace_a_token_that_is_refused(
    serve: Serve,
) -> None:
    heads: list[bytes] = []

    async def guarded(peer: Peer) -> None:
        heads.append(await peer.head())
        good = b"\r\nAuthorization: Bearer 2\r\n" in heads[-1]
        await peer.say(answer(status="200 OK" if good else "401 Unauthorized"))

    server, tokens = await serve(guarded), Tokens()
    one = checker(server, credentials=tokens)
    assert [await one.ask() for _ in range(3)] == ["answered 401", None, None]
    assert [head.count(b"\r\nAuthorization: ") for head in heads] == [1, 1, 1]
    assert tokens.fetched == 2
    # Not without a token, not to another port, and not in place of a header of the check's own.
    port = int(server.url.rpartition(":")[2])
    for other in (
        checker(server, credentials=Tokens(out_of_reach=True)),
        checker(server, credentials=Tokens(), port=port),
        checker(server, credentials=Tokens(), headers=(("authorization", "Own"),)),
    ):
        heads.clear()
        assert await other.ask() == "answered 401"
        assert b"Bearer" not in heads[0]


async def test_health_is_checked_on_another_port(serve: Serve, make_upstream: MakeUpstream) -> None:
    sick = await serve(always(answer(status="503 Service Unavailable")))
    well = await serve(always(answer(b"hello")))
    port = int(sick.url.rpartition(":")[2])
    upstream = await make_upstream(well.url, health=health_of(interval=0.02, unhealthy_after=1, port=port))
    await until(lambda: not upstream.servers[0].health.healthy)


async def test_a_long_answer_is_not_read(serve: Serve) -> None:
    server = await serve(always(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello"))
    assert await checker(server).ask() is None
    await until(lambda: server.open == 0)


async def test_no_answer_is_a_bad_one(serve: Serve) -> None:
    server = await serve(Peer.rest_of)
    assert await checker(server, timeout=0.05).ask() == "no answer within 0.05 s"

    async def hang_up(peer: Peer) -> None:
        await peer.head()

    assert await checker(await serve(hang_up)).ask() == "closed by upstream before a response"
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

    health = health_of(interval=0.02, unhealthy_after=2, healthy_after=2)
    upstream = await make_upstream(
        (await serve(moody)).url, (await serve(always(answer(b"steady")))).url, health=health, slow_start=0.0
    )
    await until(lambda: not upstream.servers[0].health.healthy)
    bodies = {await (await upstream.fetch(get(), "GET")).read() for _ in range(6)}
    assert bodies == {b"steady"}
    mood["status"] = "200 OK"
    await until(lambda: upstream.servers[0].health.healthy)
    bodies = {await (await upstream.fetch(get(), "GET")).read() for _ in range(6)}
    assert bodies == {b"steady", b"moody"}


async def test_no_server_is_well(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(always(answer(status="500 Internal Server Error")))
    upstream = await make_upstream(server.url, health=health_of(interval=0.02))
    await until(lambda: not upstream.servers[0].health.healthy)
    with pytest.raises(UpstreamUnavailable) as refused:
        await upstream.fetch(get(), "GET")
    assert refused.value.retry_after >= 1


async def test_asking_ends_with_the_upstream(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(always(answer()))
    upstream = await make_upstream(server.url, health=health_of(interval=0.01))
    await until(lambda: server.connections > 2)
    await upstream.stop()
    # What connected before this does has been accepted when this has its answer.
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(get())
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await until(lambda: server.open == 0)
    asked = server.connections
    await asyncio.sleep(0.05)
    assert server.connections == asked
