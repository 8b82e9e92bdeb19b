"""Proxied requests through the edge: in each version of HTTP the same answers and bytes upstream."""

import asyncio
import json

import pytest

from tests.e2e.conftest import token
from tests.edge.clients import HOST, ask, head, http3, insecure, stream
from tests.edge.conftest import VERSIONS, EdgeStage
from tests.raw import LIMIT, RawClient, RawMessage, answer, says

STREAMS = pytest.mark.parametrize("version", [2, 3], ids=["http2", "http3"])
ADDED = ("x-request-id", "x-forwarded-host", "host", "content-length")


def shown(request: RawMessage) -> list[tuple[str, str]]:
    """What the upstream has got, without what differs from request to request."""
    return [(name.lower(), value) for name, value in request.headers if name.lower() not in ADDED]


@VERSIONS
@pytest.mark.parametrize(
    "path",
    [
        "/open/a//b%2Fc/;x=1?q=%41&&r=[1]|2",
        "/open/%41%7e/a+b?x=a%20b",
        "/open/caf%C3%A9/@:!$&'()*,;=?",
        "/open",
    ],
)
async def test_the_edge_hands_path_and_query_on_byte_for_byte(
    edge: EdgeStage, version: int, path: str
) -> None:
    found = await ask(version, edge.port, "GET", path)
    assert (found.status, found.body) == (200, b"hello")
    assert (await edge.upstream.next()).target == path


@VERSIONS
@pytest.mark.parametrize(
    "path", ["/open/%2e%2e/x", "/open/./x", "/open/../x", "/open/%5cx", "/open/a%0ab", "/open/%zz"]
)
async def test_the_edge_lets_the_gateway_refuse_ambiguous_paths(
    edge: EdgeStage, version: int, path: str
) -> None:
    found = await ask(version, edge.port, "GET", path)
    assert found.status == 400
    assert json.loads(found.body)["code"] == "400"
    assert not edge.upstream.requests


@pytest.mark.parametrize("version", [2, 3], ids=["http2", "http3"])
async def test_the_edge_gives_upstreams_the_same_headers_in_each_version(
    edge: EdgeStage, version: int
) -> None:
    fields = [("accept", "*/*"), ("x_under", "1"), ("x-two", "a"), ("x-two", "b"), ("cookie", "a=1; b=2")]
    forged = [("x-forwarded-for", "203.0.113.9"), ("x-client-id", "root"), ("forwarded", "for=203.0.113.9")]
    for one in (1, version):
        found = await ask(one, edge.port, "POST", "/open/x", [*fields, *forged], b"abc")
        assert found.status == 200
    first, other = edge.upstream.requests
    assert shown(first) == shown(other)
    assert first.body == other.body == b"abc"
    assert first.header("X-Forwarded-For") == "127.0.0.1"
    assert first.header("X-Forwarded-Proto") == "https"
    assert not [name for name, _ in first.headers if name.lower().startswith(("x-envoy", "x-client-id"))]


async def test_the_edge_keeps_the_case_of_header_names_and_the_reason_in_http_1(edge: EdgeStage) -> None:
    edge.upstream.reset(says(answer("200 Quite Fine", b"x", "X-MiXed: 1")))
    async with await RawClient.connect("127.0.0.1", edge.port, insecure("http/1.1")) as client:
        found = await client.ask(b"GET /open HTTP/1.1\r\nHost: a\r\nX-OwN: 1\r\n\r\n")
    assert found.first_line == "HTTP/1.1 200 Quite Fine"
    assert ("X-MiXed", "1") in found.headers
    assert ("X-OwN", "1") in (await edge.upstream.next()).headers


@VERSIONS
async def test_tokens_are_judged_at_the_edge_as_everywhere(edge: EdgeStage, version: int) -> None:
    refused = await ask(version, edge.port, "GET", "/orders/1")
    assert refused.status == 401
    assert (refused.header("www-authenticate") or "").startswith('Bearer realm="gatepost"')
    issued = await token(edge.running, scope="orders.read")
    bearer = [("authorization", f"Bearer {issued['access_token']}")]
    found = await ask(version, edge.port, "GET", "/orders/1", bearer)
    assert found.status == 200
    assert (await edge.upstream.next()).header("X-Client-Id") == "demo"


@VERSIONS
async def test_tokens_are_issued_at_the_edge(edge: EdgeStage, version: int) -> None:
    login = [
        ("authorization", "Basic ZGVtbzpkZW1vLXNlY3JldA=="),
        ("content-type", "application/x-www-form-urlencoded"),
    ]
    found = await ask(version, edge.port, "POST", "/token", login, b"grant_type=client_credentials")
    assert found.status == 200
    assert json.loads(found.body)["token_type"] == "Bearer"


async def test_the_access_log_names_the_version_of_http_at_the_edge(edge: EdgeStage) -> None:
    for version in (1, 2, 3):
        await ask(version, edge.port, "GET", f"/open/version-{version}")
    for version, protocol in ((1, "HTTP/1.1"), (2, "HTTP/2"), (3, "HTTP/3")):
        line = json.loads(await edge.running.line(f"/open/version-{version}"))
        assert (line["protocol"], line["address"]) == (protocol, "127.0.0.1")


@VERSIONS
async def test_the_edge_tells_of_http_3(edge: EdgeStage, version: int) -> None:
    found = await ask(version, edge.port, "GET", "/open")
    assert found.header("alt-svc") == f'h3=":{edge.port}"; ma=86400'


@VERSIONS
async def test_large_bodies_pass_the_edge_both_ways(edge: EdgeStage, version: int) -> None:
    sent = bytes(range(256)) * 2048
    edge.upstream.reset(says(answer("200 OK", sent)))
    found = await ask(version, edge.port, "PUT", "/open/large", (), sent[:300_000])
    assert found.body == sent
    assert (await edge.upstream.next()).content == sent[:300_000]


@STREAMS
async def test_events_pass_the_edge_one_by_one(edge: EdgeStage, version: int) -> None:
    """The second is sent only when the first has arrived."""
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def events(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: 1\n\n"
        )
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(arrived.wait(), loop))
        writer.write(b"data: 2\n\n")
        return False

    edge.upstream.reset(events)
    async with stream(version, edge.port, head("GET", "/open/events"), end=True) as one:
        await one.until(b"data: 1\n\n")
        arrived.set()
        await one.until(b"data: 1\n\ndata: 2\n\n")


async def test_events_pass_the_edge_one_by_one_in_http_1(edge: EdgeStage) -> None:
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def events(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(arrived.wait(), loop))
        writer.write(b"data: 2\n\n")
        return False

    edge.upstream.reset(events)
    async with await RawClient.connect("127.0.0.1", edge.port, insecure("http/1.1")) as client:
        await client.send(b"GET /open/events HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(LIMIT):
            await client.reader.readuntil(b"data: 1\n\n")
            arrived.set()
            await client.reader.readuntil(b"data: 2\n\n")


@STREAMS
async def test_parts_of_a_body_pass_the_edge_one_by_one(edge: EdgeStage, version: int) -> None:
    async def echo(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _number in range(2):
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            writer.write(await reader.readexactly(size))
            await reader.readexactly(2)
            await writer.drain()
        return False

    edge.upstream.reset(echo)
    edge.upstream.heads_alone = True
    async with stream(version, edge.port, head("POST", "/open/echo")) as one:
        await one.more(b"one")
        await one.until(b"one")
        await one.more(b"two", end=True)
        await one.until(b"onetwo")


@STREAMS
async def test_a_client_that_waits_for_100_is_answered_at_the_edge(edge: EdgeStage, version: int) -> None:
    fields = [("expect", "100-continue"), ("content-length", "3")]
    async with stream(version, edge.port, head("PUT", "/open", fields)) as one:
        await one.more(b"abc", end=True)
        await one.until(b"hello")
    assert (await edge.upstream.next()).content == b"abc"


@pytest.mark.parametrize("version", [2, 3], ids=["http2", "http3"])
async def test_trailers_pass_the_edge(edge: EdgeStage, version: int) -> None:
    edge.upstream.reset(
        says(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
            b"2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n"
        )
    )
    found = await ask(version, edge.port, "GET", "/open/trailers", [("te", "trailers")])
    assert (found.body, found.trailers) == (b"hi", [("x-sum", "7")])


async def test_expect_100_continue_passes_the_edge(edge: EdgeStage) -> None:
    async with await RawClient.connect("127.0.0.1", edge.port, insecure("http/1.1")) as client:
        await client.send(
            b"PUT /open HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert (await client.receive(body=False)).status == 100
        assert (await client.ask(b"abc")).status == 200
    assert (await edge.upstream.next()).body == b"abc"


async def test_requests_on_one_connection_are_answered_side_by_side(edge: EdgeStage) -> None:
    """The first waits for the second."""
    second = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def conversation(
        request: RawMessage, _: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if request.target == "/open/first":
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(second.wait(), loop))
        writer.write(answer("200 OK", request.target.encode()))
        return True

    edge.upstream.reset(conversation)
    async with http3(edge.port) as client:
        first = client.send(head("GET", "/open/first"))
        assert (await client.ask(head("GET", "/open/second"))).body == b"/open/second"
        second.set()
        assert (await client.answer(first)).body == b"/open/first"


async def test_rate_limits_count_by_the_address_behind_the_edge(edge: EdgeStage) -> None:
    statuses = [(await ask(version, edge.port, "GET", "/limited")).status for version in (1, 2, 3)]
    assert statuses == [200, 200, 429]


async def test_http_1_0_is_answered_at_the_edge(edge: EdgeStage) -> None:
    async with await RawClient.connect("127.0.0.1", edge.port, insecure("http/1.1")) as client:
        found = await client.ask(f"GET /open HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        assert (found.status, found.body) == (200, b"hello")
