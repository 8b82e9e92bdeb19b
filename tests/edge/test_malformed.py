"""Requests that would mean two things in HTTP/1.1: refused at the edge, and nothing of them goes on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.edge.attacks import well_behaved
from tests.edge.clients import Answer, head, http2, http3, insecure
from tests.edge.conftest import EdgeStage
from tests.raw import RawClient

Fields = list[tuple[str, str]]
PSEUDO = {":method": "POST", ":scheme": "https", ":authority": "localhost", ":path": "/open/hostile"}
SMUGGLED = "/open/x HTTP/1.1\r\nx-evil: 1\r\n\r\nGET /evil"
TWO = pytest.mark.parametrize("version", [2, 3], ids=["http2", "http3"])


def request(*fields: tuple[str, str], first: Fields | None = None, **pseudo: str | None) -> Fields:
    """A request with these fields; pseudo fields without a value are left out."""
    changed = PSEUDO | {f":{name}": value for name, value in pseudo.items()}
    return [*(first or []), *((name, value) for name, value in changed.items() if value is not None), *fields]


CONNECTION_FIELDS = {
    "transfer-encoding": "chunked",
    "connection": "x-client-id",
    "keep-alive": "5",
    "proxy-connection": "keep-alive",
    "upgrade": "h2c",
    "te": "gzip",
}
VALUES = ("a\r\nx-evil: 1", "a\nx-evil: 1", "a\rx-evil: 1", "a\0b", "a\x07b")
NAMES = ("x\r\nx-evil", "x:evil", "x evil", "X-Evil", "x\0")
LENGTHS = ("3", "9", "+5", "-5", "abc", "5, 5", "0x5", "99999999999999999999999")
PATHS = ("@evil/open", "http://evil.example/open", "/open x", SMUGGLED, "/open/\tx", "/open/\0x", "", "*")
OTHER_PATHS = ("open/x", "/open/x#/admin", "/open/\xff")
METHODS = ("GET /evil HTTP/1.1", "GET\r\nx-evil: 1", "")
AUTHORITIES = ("a b", "localhost/open", "user@localhost", "localhost\r\nx-evil: 1", "", "localhost:80:80")
MALFORMED: dict[str, list[Fields]] = {
    "fields of a connection": [request(item) for item in CONNECTION_FIELDS.items()],
    "an upgrade": [request(("connection", "upgrade"), ("upgrade", "websocket"))],
    "values": [request(("x-a", value)) for value in VALUES],
    "names": [request((name, "1")) for name in NAMES],
    "lengths": [
        *(request(("content-length", value)) for value in LENGTHS),
        request(("content-length", "5"), ("content-length", "6")),
    ],
    "paths": [
        *(request(path=path) for path in (*PATHS, *OTHER_PATHS)),
        request((":path", "/open")),
        request(first=[(":path", "/orders")]),
        request(path=None),
    ],
    "methods": [
        *(request(method=method) for method in METHODS),
        request(first=[(":method", "GET")]),
        request(method="CONNECT"),
        [(":method", "CONNECT"), (":authority", "evil.example:80")],
    ],
    "pseudo fields": [
        request(first=[(":protocol", "evil")], method="CONNECT"),
        request(first=[(":protocol", "websocket")]),
        request(first=[(":scheme", "http")]),
        request(scheme=None),
        request(first=[(":evil", "1")]),
        request((":status", "200")),
        [*request(("x-a", "1"), path=None), (":path", "/open")],
    ],
    "hosts": [
        *(request(authority=name) for name in AUTHORITIES),
        request(first=[(":authority", "evil.example")]),
        request(authority=None),
        request(("host", "localhost"), ("host", "evil.example")),
        request(("host", "a"), ("host", "b"), authority=None),
    ],
}
"""RFC 9113 section 8.2 and 8.3, RFC 9114 section 4.2 and 4.3, RFC 9110 section 5.5 and 8.6."""


async def asked(version: int, port: int, fields: Fields, body: bytes) -> Answer:
    if version == 2:
        async with http2(port) as second:
            return await second.ask(fields, body)
    async with http3(port) as third:
        return await third.ask(fields, body)


async def all_asked(version: int, port: int, group: list[Fields]) -> AsyncIterator[tuple[Fields, Answer]]:
    """Asks one after the other, on as few connections as they leave open."""
    left = list(group)
    while left:
        async with http2(port) if version == 2 else http3(port) as client:
            while left and not client.over:
                fields = left.pop(0)
                body = b"12345" if any(name == "content-length" for name, _ in fields) else b""
                yield fields, await client.ask(fields, body)


@TWO
@pytest.mark.parametrize("group", MALFORMED.values(), ids=MALFORMED)
async def test_what_would_be_another_request_in_http_1_is_refused_at_the_edge(
    edge: EdgeStage, version: int, group: list[Fields]
) -> None:
    async for fields, found in all_asked(version, edge.port, group):
        refused = found.status >= 400 or (found.reset is not None and not found.status)
        assert refused, (fields, found)
    await well_behaved(edge)


@pytest.mark.parametrize("begin", ["0\r\n\r\n", "\r\n\r\n"], ids=["chunk", "line"])
@TWO
async def test_a_body_at_the_edge_is_no_second_request(edge: EdgeStage, version: int, begin: str) -> None:
    body = f"{begin}GET /evil HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    found = await asked(version, edge.port, request(), body)
    assert found.status == 200
    (seen,) = edge.upstream.requests
    assert (seen.target, seen.content) == ("/open/hostile", body)
    edge.upstream.reset()
    await well_behaved(edge)


async def test_a_malformed_request_ends_its_stream_at_the_edge_and_no_other(edge: EdgeStage) -> None:
    async with http2(edge.port) as client:
        for fields in (request(("connection", "close")), request(("x-a", "a\r\nb")), request(path="@")):
            assert (await client.ask(fields)).reset is not None
            assert (await client.ask(head("GET", "/open/well"))).status == 200


@pytest.mark.parametrize(
    ("line", "status"),
    [("FOO /open HTTP/1.1", 400), ("GET /open HTTP/1.1\r\nTransfer-Encoding: gzip", 501)],
    ids=["with a title of its own", "another status"],
)
async def test_what_the_edge_refuses_itself_is_a_problem_with_the_members_of_all_others(
    edge: EdgeStage, line: str, status: int
) -> None:
    async with await RawClient.connect("127.0.0.1", edge.port, insecure("http/1.1")) as client:
        await client.send(f"{line}\r\nHost: localhost\r\n\r\n".encode())
        found = await client.receive()
    assert found.status == status
    assert found.header("content-type") == "application/problem+json"
    problem = json.loads(found.body)
    assert problem.keys() == {"title", "status", "detail", "code"}
    assert (problem["status"], problem["code"]) == (status, str(status))
    assert "before the gateway saw it" in problem["detail"]


HARMLESS = {
    # RFC 9113 section 8.3.1 lets servers refuse it. One of the two names goes on, and it is the one judged.
    "another host": (request(("host", "evil.example")), ("host", ["localhost"])),
    "host in place of authority": (request(("host", "localhost"), authority=None), ("host", ["localhost"])),
    "spaces around a value": (request(("x-a", " a ")), ("x-a", ["a"])),
    "another scheme": (request(scheme="javascript"), ("x-forwarded-proto", ["https"])),
    "a method in lower case": (request(method="post"), ("", [])),
}


@pytest.mark.parametrize(("fields", "seen"), HARMLESS.values(), ids=HARMLESS)
async def test_what_http_2_forgives_at_the_edge_means_one_thing_upstream(
    edge: EdgeStage, fields: Fields, seen: tuple[str, list[str]]
) -> None:
    found = await asked(2, edge.port, fields, b"")
    name, values = seen
    if not name:
        assert (found.status, edge.upstream.requests) == (501, [])
        return
    assert found.status == 200
    assert (await edge.upstream.next()).all(name) == values


async def test_a_host_beside_the_authority_is_refused_by_http_3(edge: EdgeStage) -> None:
    found = await asked(3, edge.port, request(("host", "evil.example")), b"")
    assert found.reset is not None
    await well_behaved(edge)
