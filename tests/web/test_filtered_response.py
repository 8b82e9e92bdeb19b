"""`on_stream`: filters change what streams, whoever answers, and nothing gets out of one that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gateway.http.exchange import Exchange, Response
from gateway.plugin import BodyFilter, ProxyPlugin
from tests.conftest import Valkey
from tests.raw import RawMessage, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import problem, web_config


class Louder:
    changes = True

    def feed(self, data: bytes) -> bytes:
        if b"?" in data:
            raise ValueError("a question")
        return data.upper()

    def finish(self) -> bytes:
        return b"!"


class Loud(ProxyPlugin):
    """Waits, answers and fails where a request's path says so."""

    def on_authorized(self, exchange: Exchange) -> Response | None:
        own = exchange.request.path.endswith(b"/own")
        return Response(200, b"own", [(b"ETag", b'"o"')]) if own else None

    async def on_response(self, exchange: Exchange) -> None:
        await asyncio.sleep(0)

    def on_stream(self, exchange: Exchange, length: int | None) -> BodyFilter | None:
        if exchange.request.path.endswith(b"/fails"):
            raise ValueError("no filter")
        assert exchange.response is not None
        exchange.response.set("X-Length", str(length))
        return Louder()


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def running(
    backend: RawUpstream, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    config = web_config(backend, valkey.url, "filtered:")
    use = [{"use": f"{__name__}:Loud"}]
    config["routes"] = [{"path": "/", "upstream": "backend", "auth": "none", "plugins": use}]
    config["upstreams"]["backend"]["breaker"] = None
    started = Running(config, tmp_path_factory.mktemp("filtered"))
    started.await_ready()
    yield started
    started.stop(tracebacks=True)


async def ask(running: Running, path: str, method: str = "GET") -> RawMessage:
    async with await running.connect() as client:
        request = f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        return await client.ask(request, body=method != "HEAD")


async def test_a_body_goes_through_the_filter_whether_it_comes_whole_or_not(
    running: Running, backend: RawUpstream
) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    for response, length in ((answer(), "5"), (chunked, "None")):
        backend.reset(says(response))
        found = await ask(running, "/")
        assert (found.content, found.header("X-Length")) == (b"HELLO!", length)


async def test_a_response_of_a_plugin_goes_through_it_too(running: Running) -> None:
    found = await ask(running, "/own")
    assert (found.body, found.header("X-Length"), found.header("ETag")) == (b"OWN!", "3", 'W/"o"')


async def test_a_response_without_a_body_stays_without_one(running: Running, backend: RawUpstream) -> None:
    backend.reset(says(answer(body=b"").replace(b"Length: 0", b"Length: 5")))
    found = await ask(running, "/", "HEAD")
    assert (found.status, found.header("X-Length"), found.header("Content-Length")) == (200, "5", None)


async def test_where_there_is_no_filter_there_is_no_response(running: Running, backend: RawUpstream) -> None:
    backend.reset()
    found = await ask(running, "/fails")
    assert (found.status, problem(found)["code"]) == (500, "500")


async def test_a_filter_that_fails_breaks_the_response_off(running: Running, backend: RawUpstream) -> None:
    backend.reset(says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\n?\r\n0\r\n\r\n"))
    async with await running.connect() as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert not (await client.rest()).endswith(b"0\r\n\r\n")
