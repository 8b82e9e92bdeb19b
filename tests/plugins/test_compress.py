"""Responses are compressed for those who ask for it, and only those that may be."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Iterator
from importlib import import_module

import pytest
import yaml

from gateway.config.load import load_text
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog
from plugins import compress
from plugins.compress import accepted_coding
from tests.conftest import Valkey
from tests.raw import LIMIT, RawMessage, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import web_config

CONTENT = json.dumps([{"id": number, "name": f"order {number}"} for number in range(500)]).encode()
JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    ("asked", "coding"),
    [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP;Q=0.5", "gzip"),
        ("gzip, br, zstd", "zstd"),
        ("gzip;q=1.0, br;q=0.9, zstd;q=0.001", "gzip"),
        ("*", "zstd"),
        ("*, zstd;q=0", "br"),
        ("br;q=0.2, *;q=0.1", "br"),
        ("gzip;q=0.5, identity", None),
        ("gzip, identity;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("deflate, compress", None),
        ("gzip;q=2, br;q=x, ;, gz ip", None),
        ("", None),
    ],
)
def test_the_client_says_which_coding_it_takes(asked: str, coding: str | None) -> None:
    assert accepted_coding([asked.encode()], ("zstd", "br", "gzip")) == coding


def test_several_headers_are_one_list_and_none_is_no_wish() -> None:
    assert accepted_coding([b"br;q=0.1", b"gzip"], ("br", "gzip")) == "gzip"
    assert accepted_coding([], ("gzip",)) is None


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def started(
    backend: RawUpstream, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    config = web_config(backend, valkey.url, "compress:")
    to = {"upstream": "backend", "auth": "none"}
    change = {"use": "transform", "with": {"response": {"set": {"/0/id": 7}}}}
    config["routes"] = [
        {"path": "/any", "plugins": [{"use": "compress"}], **to},
        {"path": "/offload", "plugins": [{"use": "compress", "with": {"offload": True}}], **to},
        {"path": "/changed", "plugins": [{"use": "compress"}, change], **to},
    ]
    config["upstreams"]["backend"]["breaker"] = None
    running = Running(config, tmp_path_factory.mktemp("compress"))
    running.await_ready()
    yield running
    running.stop()


@pytest.fixture
def running(started: Running, backend: RawUpstream) -> Running:
    backend.reset(says(answer("200 OK", CONTENT, JSON, 'ETag: "a"', "Vary: Origin", "Accept-Ranges: bytes")))
    return started


async def ask(
    running: Running,
    accepts: str = "gzip",
    *headers: str,
    target: str = "/any",
    method: str = "GET",
    version: str = "1.1",
    body: bool = True,
) -> RawMessage:
    lines = [f"{method} {target} HTTP/{version}", "Host: a", f"Accept-Encoding: {accepts}", *headers, "", ""]
    async with await running.connect() as client:
        return await client.ask("\r\n".join(lines).encode(), body=body)


def in_chunks(content: bytes, *headers: str, size: int = 1000) -> bytes:
    lines = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *headers, "", ""]
    pieces = [content[i : i + size] for i in range(0, len(content), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return "\r\n".join(lines).encode() + chunks + b"0\r\nContent-Digest: sha-256=:x:\r\nX-Last: 1\r\n\r\n"


def decompressed(coding: str, data: bytes) -> bytes:
    if coding == "gzip":
        return zlib.decompress(data, wbits=zlib.MAX_WBITS | 16)
    found: bytes = pytest.importorskip("brotli" if coding == "br" else "backports.zstd").decompress(data)
    return found


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
@pytest.mark.parametrize("whole", [True, False], ids=["with its length", "in chunks"])
async def test_a_response_is_compressed(
    running: Running, backend: RawUpstream, coding: str, whole: bool
) -> None:
    if coding != "gzip":
        pytest.importorskip("brotli" if coding == "br" else "backports.zstd")
    if not whole:
        backend.reset(says(in_chunks(CONTENT, JSON, 'ETag: "a"', "Vary: Origin", "Trailer: X-Last")))
    found = await ask(running, f"{coding}, identity;q=0.5")
    assert found.header("Content-Encoding") == coding
    assert decompressed(coding, found.content) == CONTENT
    assert len(found.content) < len(CONTENT) / 2
    assert found.header("ETag") == 'W/"a"'
    assert found.all("Vary") == ["Origin", "Accept-Encoding"]
    assert found.header("Content-Length") is None
    assert found.header("Accept-Ranges") is None
    if not whole:
        assert found.body.endswith(b"0\r\nX-Last: 1\r\n\r\n"), "a digest of other bytes is no digest"


@pytest.mark.parametrize(
    "response",
    [
        answer("200 OK", b"x" * 1023, JSON),
        answer("200 OK", CONTENT, "Content-Type: image/png"),
        answer("200 OK", CONTENT),
        answer("200 OK", CONTENT, JSON, "Content-Encoding: br"),
        answer("200 OK", CONTENT, JSON, "Cache-Control: public, No-Transform"),
        answer("206 Partial Content", CONTENT, JSON, "Content-Range: bytes 0-99/100"),
        answer("200 OK", CONTENT, "Content-Type: text/event-stream"),
        b"HTTP/1.1 204 No Content\r\nContent-Type: application/json\r\n\r\n",
    ],
    ids=["small", "image", "unknown", "compressed already", "no-transform", "a part", "events", "empty"],
)
async def test_a_response_passes_as_it_came(running: Running, backend: RawUpstream, response: bytes) -> None:
    backend.reset(says(response))
    found = await ask(running, "gzip, br, zstd", body=b"204" not in response[:20])
    head, _, body = response.partition(b"\r\n\r\n")
    assert found.body == body
    came = RawMessage(head + b"\r\n\r\n")
    assert found.header("Content-Encoding") == came.header("Content-Encoding")
    assert found.header("Content-Length") == came.header("Content-Length")
    assert found.header("Vary") is None


async def test_a_client_that_asks_for_no_coding_learns_that_there_are_some(running: Running) -> None:
    for accepts, version in (("identity", "1.1"), ("gzip;q=0", "1.1")):
        found = await ask(running, accepts, version=version)
        assert found.body == CONTENT
        assert found.header("Content-Encoding") is None
        assert found.all("Vary") == ["Origin", "Accept-Encoding"]
        assert found.header("ETag") == '"a"'
    assert (await ask(running, "gzip", "Cache-Control: no-transform")).body == CONTENT
    assert (await ask(running, "gzip", version="1.0")).body == CONTENT


async def test_heads_alone_are_like_those_of_the_compressed_response(
    running: Running, backend: RawUpstream
) -> None:
    backend.reset(says(f'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n{JSON}\r\nETag: "a"\r\n\r\n'.encode()))
    asked = await ask(running, method="HEAD", body=False)
    backend.reset(says(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'))
    known = await ask(running, "gzip", 'If-None-Match: W/"a"', body=False)
    assert (asked.status, known.status) == (200, 304)
    for found in (asked, known):
        assert found.header("ETag") == 'W/"a"'
        assert found.header("Vary") == "Accept-Encoding"
        assert found.header("Content-Encoding") is None
        assert found.header("Content-Length") is None


async def test_what_comes_slowly_goes_out_when_it_comes(running: Running, backend: RawUpstream) -> None:
    over = asyncio.Event()

    async def stream(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n")
        writer.write(b'{"a": 1}\n')
        await writer.drain()
        async with asyncio.timeout(LIMIT):
            while not over.is_set():  # noqa: ASYNC110 (set by another event loop)
                await asyncio.sleep(0.01)
        return False

    backend.reset(stream)
    async with await running.connect() as client:
        await client.send(b"GET /any HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
        assert (await client.receive(body=False)).header("Content-Encoding") == "gzip"
        reader, content = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16), b""
        while b"\n" not in content:
            size = int(await asyncio.wait_for(client.reader.readuntil(b"\r\n"), LIMIT), 16)
            content += reader.decompress((await client.reader.readexactly(size + 2))[:-2])
        assert content == b'{"a": 1}\n'
        over.set()


async def test_a_response_that_breaks_off_is_not_made_to_look_whole(
    running: Running, backend: RawUpstream
) -> None:
    backend.reset(
        says(f"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\nConnection: close\r\n{JSON}\r\n\r\nx".encode())
    )
    async with await running.connect() as client:
        await client.send(b"GET /any HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
        assert not (await client.rest()).endswith(b"0\r\n\r\n")


async def test_a_body_that_another_plugin_has_changed_is_compressed_behind_it(running: Running) -> None:
    found = await ask(running, target="/changed")
    assert found.header("Content-Encoding") == "gzip"
    assert json.loads(decompressed("gzip", found.content))[0] == {"id": 7, "name": "order 0"}
    assert found.header("ETag") == 'W/"a"'


async def test_the_upstream_is_asked_to_compress_unless_that_is_done_here(
    running: Running, backend: RawUpstream
) -> None:
    await ask(running, "gzip;q=0.5, br")
    found = await ask(running, "gzip;q=0.5, br;q=0", target="/offload")
    assert found.header("Content-Encoding") == "gzip"
    assert [one.header("Accept-Encoding") for one in backend.requests] == ["gzip;q=0.5, br", None]


def problems_of(options: dict[str, object]) -> str:
    config = {
        "upstreams": {"orders": {"servers": [{"url": "http://127.0.0.1:1"}]}},
        "routes": [{"path": "/", "upstream": "orders", "plugins": [{"use": "compress", "with": options}]}],
    }
    with pytest.raises(ConfigurationError) as refused:
        load_text(yaml.safe_dump(config), {}, PluginCatalog())
    return str(refused.value)


def test_a_coding_that_is_not_installed_is_an_error_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        if name in ("brotli", "compression.zstd", "backports.zstd"):
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(compress, "import_module", missing)
    said = problems_of({"codings": ["br"]})
    assert "gateway.yaml:7:7: routes[0].plugins[0].with.codings: " in said
    assert "has br, which needs the extra compress: pip install gatepost[compress]" in said


def test_other_wrong_options_are_errors_too() -> None:
    assert "types" in problems_of({"types": ["html"]})
    assert "codings" in problems_of({"codings": []})
    assert "levels.br" in problems_of({"levels": {"br": 12}})
