"""Mirrored requests, from outside: a shadow that answers, one that is slow, and one that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Valkey
from tests.raw import RawMessage, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import request, web_config


@pytest.fixture(scope="module")
def shadow_server() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture
def shadow(shadow_server: RawUpstream) -> RawUpstream:
    shadow_server.reset()
    return shadow_server


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def gateway(
    request: pytest.FixtureRequest,
    upstream_server: RawUpstream,
    shadow_server: RawUpstream,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    config = web_config(upstream_server, valkey.url, "mirror:", fast_lane=request.param)
    config["upstreams"] |= {
        "shadow": {
            "servers": [{"url": f"{shadow_server.url}/v2"}],
            "host_header": "shadow.internal",
        },
        "silent": {"servers": [{"url": shadow_server.url}], "timeouts": {"response": "60s"}},
        "gone": {"servers": [{"url": "http://127.0.0.1:1"}]},
    }
    to: dict[str, Any] = {"upstream": "backend", "auth": "none", "strip_prefix": False}
    config["routes"] = [
        {"path": "/copied", "mirror": {"upstream": "shadow"}, **to},
        {"path": "/small", "mirror": {"upstream": "shadow", "max_body": 10}, **to},
        {"path": "/never", "mirror": {"upstream": "shadow", "percent": 0}, **to},
        {"path": "/silent", "mirror": {"upstream": "silent"}, **to},
        {"path": "/gone", "mirror": {"upstream": "gone"}, **to},
    ]
    folder: Path = tmp_path_factory.mktemp("mirror")
    running = Running(config, folder)
    running.await_ready()
    yield running
    running.stop()


async def test_the_mirror_gets_the_request_and_the_client_the_upstreams_response(
    gateway: Running, upstream: RawUpstream, shadow: RawUpstream
) -> None:
    shadow.reset(says(answer("500 Oh", b"shadow", "Set-Cookie: a=b")))
    client = await gateway.connect()
    reply = await client.ask(request("/copied/a%20b?q=1", "X-Odd: 1", method="POST", body=b"hello body"))
    assert (reply.status, reply.content, reply.header("Set-Cookie")) == (200, b"hello", None)
    seen, copied = await upstream.next(), await shadow.next()
    assert seen.first_line == "POST /copied/a%20b?q=1 HTTP/1.1"
    assert copied.first_line == "POST /v2/copied/a%20b?q=1 HTTP/1.1"
    assert copied.header("Host") == "shadow.internal"
    assert copied.content == seen.content == b"hello body"
    others = [item for item in seen.headers if item[0] != "Host"]
    assert [item for item in copied.headers if item[0] != "Host"] == others
    await client.close()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_comes_in_pieces_is_mirrored_whole(
    gateway: Running, upstream: RawUpstream, shadow: RawUpstream, chunked: bool
) -> None:
    client = await gateway.connect()
    framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 11"
    await client.send(request("/copied", framing, method="POST"))
    for piece in (b"hello ", b"world"):
        await client.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        await asyncio.sleep(0.02)
    await client.send(b"0\r\n\r\n" if chunked else b"")
    assert (await client.receive()).status == 200
    assert (await upstream.next()).content == b"hello world"
    assert (await shadow.next()).content == b"hello world"
    await client.close()


@pytest.mark.parametrize("pieces", [1, 2])
async def test_a_large_body_is_not_mirrored(
    gateway: Running, upstream: RawUpstream, shadow: RawUpstream, pieces: int
) -> None:
    client = await gateway.connect()
    body = b"hello world"
    data = request("/small", method="POST", body=body)
    await client.send(data[:-5] if pieces > 1 else data)
    if pieces > 1:
        await asyncio.sleep(0.02)
        await client.send(data[-5:])
    assert (await client.receive()).status == 200
    assert (await client.ask(request("/small", method="POST", body=body[:10]))).status == 200
    assert (await upstream.next(2)).content == body[:10]
    assert (await shadow.next()).content == body[:10], "only the small one"
    await client.close()


async def test_no_request_is_mirrored_at_zero_percent(
    gateway: Running, upstream: RawUpstream, shadow: RawUpstream
) -> None:
    client = await gateway.connect()
    for _ in range(20):
        assert (await client.ask(request("/never"))).status == 200
    assert (await client.ask(request("/copied/last"))).status == 200
    assert (await shadow.next()).target == "/v2/copied/last"
    await client.close()


async def test_a_mirror_that_never_answers_delays_nobody(
    gateway: Running, upstream: RawUpstream, shadow: RawUpstream
) -> None:
    async def silent(_: RawMessage, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> bool:
        await reader.read()
        return False

    shadow.reset(silent)
    client = await gateway.connect()
    async with asyncio.timeout(30):
        for _ in range(150):
            assert (await client.ask(request("/silent"))).status == 200
    assert len(upstream.requests) == 150
    assert len(shadow.requests) <= 100
    await client.close()


async def test_a_mirror_that_is_gone_fails_nobody(gateway: Running, upstream: RawUpstream) -> None:
    client = await gateway.connect()
    for _ in range(20):
        assert (await client.ask(request("/gone"))).status == 200
    assert len(upstream.requests) == 20
    await client.close()
