"""Whole bodies for plugins, seen from outside with the plugin transform, on both ways."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator

import pytest

from tests.conftest import Valkey
from tests.raw import RawMessage, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import problem, web_config

JSON = "Content-Type: application/json; charset=utf-8"
CHANGES = {
    "request": {"set": {"/by": "gateway"}, "remove": ["/secret"]},
    "response": {"rename": {"/id": "number"}, "remove": ["/items/*/cost"]},
    "max": 1000,
}


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def started(
    request: pytest.FixtureRequest,
    backend: RawUpstream,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    config = web_config(backend, valkey.url, f"bodies-{request.param}:", fast_lane=request.param)
    transform = [{"use": "transform", "with": CHANGES}]
    config["routes"] = [
        {"path": "/json", "upstream": "backend", "auth": "none", "plugins": transform},
        {"path": "/plain", "upstream": "backend", "auth": "none"},
    ]
    config["upstreams"]["backend"]["breaker"] = None
    running = Running(config, tmp_path_factory.mktemp("bodies"))
    running.await_ready()
    yield running
    running.stop()


@pytest.fixture
def running(started: Running, backend: RawUpstream) -> Running:
    backend.reset()
    return started


async def ask(running: Running, body: bytes, *headers: str, target: str = "/json") -> RawMessage:
    lines = [f"POST {target} HTTP/1.1", "Host: a", *headers]
    if not any(line.startswith("Transfer-Encoding") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    async with await running.connect() as client:
        return await client.ask("\r\n".join([*lines, "", ""]).encode() + body)


def as_chunks(body: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (1, body[i : i + 1]) for i in range(len(body))) + b"0\r\n\r\n"


async def test_a_request_is_changed_whether_its_length_is_declared_or_not(
    running: Running, backend: RawUpstream
) -> None:
    body = b'{"a": 1, "secret": "x"}'
    assert (await ask(running, body, JSON)).status == 200
    assert (await ask(running, as_chunks(body), JSON, "Transfer-Encoding: chunked")).status == 200
    for request in backend.requests:
        assert json.loads(request.body) == {"a": 1, "by": "gateway"}
        assert request.header("Content-Length") == str(len(request.body))
        assert request.header("Transfer-Encoding") is None
        assert request.header("Accept-Encoding") is None


async def test_a_client_that_waits_for_100_is_told_to_send(running: Running, backend: RawUpstream) -> None:
    body = b'{"a": 1}'
    head = f"POST /json HTTP/1.1\r\nHost: a\r\n{JSON}\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n"
    async with await running.connect() as client:
        assert (await client.ask(head.encode(), body=False)).status == 100
        assert (await client.ask(body)).status == 200
    assert json.loads(backend.requests[0].body) == {"a": 1, "by": "gateway"}
    assert backend.requests[0].header("Expect") is None


async def test_other_content_is_passed_on_as_it_came(running: Running, backend: RawUpstream) -> None:
    body = b"x" * 5000
    assert (await ask(running, body, "Content-Type: text/plain")).body == b"hello"
    assert (await ask(running, body, JSON, target="/plain")).body == b"hello"
    assert [request.body for request in backend.requests] == [body] * 2


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", (), 400),
        (b'{"a": NaN}', (), 400),
        (b'{"a": 1e999}', (), 400),
        (b"[" * 999, (), 400),
        (b"{}", ("Content-Encoding: gzip",), 400),
        (b'"' + b"a" * 1000 + b'"', (), 413),
    ],
)
async def test_a_body_that_can_not_be_changed_does_not_reach_the_upstream(
    running: Running, backend: RawUpstream, body: bytes, headers: tuple[str, ...], status: int
) -> None:
    assert (await ask(running, body, JSON, *headers)).status == status
    chunked = await ask(running, as_chunks(body), JSON, "Transfer-Encoding: chunked", *headers)
    assert chunked.status == status
    assert backend.requests == []


async def test_a_response_is_changed(running: Running, backend: RawUpstream) -> None:
    content = json.dumps({"id": 7, "items": [{"cost": 1, "n": 2}]}).encode()
    for whole in (True, False):
        response = answer("201 Created", content, JSON, 'ETag: "a"', "X-Own: 1")
        if not whole:
            lines = ["HTTP/1.1 201 Created", "Transfer-Encoding: chunked", JSON, 'ETag: "a"', "X-Own: 1"]
            head = "\r\n".join([*lines, "", ""])
            response = head.encode() + as_chunks(content)
        backend.reset(says(response))
        found = await ask(running, b"{}", JSON)
        assert (found.status, json.loads(found.body)) == (201, {"number": 7, "items": [{"n": 2}]})
        assert found.header("Content-Length") == str(len(found.body))
        assert found.header("ETag") == 'W/"a"'
        assert found.header("X-Own") == "1"


@pytest.mark.parametrize(
    "response",
    [
        answer("200 OK", b'"' + b"a" * 1000 + b'"', JSON),
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{JSON}\r\n\r\n".encode()
        + as_chunks(b'"' + b"a" * 1000 + b'"'),
        answer("200 OK", b"{", JSON),
        answer("200 OK", gzip.compress(b"{}"), JSON, "Content-Encoding: gzip"),
        f"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n{JSON}\r\n\r\n{{}}".encode(),
    ],
    ids=["too large", "too large in chunks", "malformed", "compressed", "broken off"],
)
async def test_a_response_that_can_not_be_changed_is_502(
    running: Running, backend: RawUpstream, response: bytes
) -> None:
    backend.reset(says(response))
    found = await ask(running, b"{}", JSON)
    assert found.status == 502
    assert problem(found)["code"] == "101503"


async def test_responses_without_a_body_and_other_content_pass(
    running: Running, backend: RawUpstream
) -> None:
    backend.reset(says(f"HTTP/1.1 304 Not Modified\r\n{JSON}\r\n\r\n".encode()))
    async with await running.connect() as client:
        request = f"GET /json HTTP/1.1\r\nHost: a\r\n{JSON}\r\n\r\n".encode()
        assert (await client.ask(request, body=False)).status == 304
    backend.reset(says(answer("200 OK", b"x" * 5000, "Content-Type: text/plain")))
    assert (await ask(running, b"{}", JSON)).body == b"x" * 5000


async def test_an_event_stream_on_the_same_route_is_not_held_back(
    running: Running, backend: RawUpstream
) -> None:
    over = asyncio.Event()

    async def stream(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        writer.write(b"data: 1\n\n")
        await writer.drain()
        async with asyncio.timeout(20):
            while not over.is_set():  # noqa: ASYNC110 (set by another event loop)
                await asyncio.sleep(0.01)
        return False

    backend.reset(stream)
    async with await running.connect() as client:
        await client.send(b"GET /json HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.receive(body=False)
        assert b"data: 1" in await asyncio.wait_for(client.reader.read(100), 10)
        over.set()
