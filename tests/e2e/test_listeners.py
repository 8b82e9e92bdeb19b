"""Unix sockets, the PROXY protocol and redirects to https, from outside and on both ways."""

import asyncio
import os
import signal
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import StartGateway, configuration
from tests.raw import RawClient, RawMessage, RawUpstream
from tests.running import START_LIMIT, Running

GET = b"GET /open HTTP/1.1\r\nHost: a\r\n\r\n"
FORWARDED = b"GET /open HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n"
BOTH_WAYS = pytest.mark.parametrize("fast_lane", [True, False], ids=["fast_path", "aiohttp"])
PROXY = b"PROXY TCP4 192.0.2.7 127.0.0.1 5000 80\r\n"
PROXY_V2 = (
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0f"
    + socket.inet_aton("192.0.2.7")
    + socket.inet_aton("127.0.0.1")
    + b"\x13\x88\x00\x50\x04\x00\x00"
)


def server(*listeners: dict[str, Any], **keys: Any) -> dict[str, Any]:
    plain = {"host": "127.0.0.1", "port": 0}
    return {"server": {"listen": [plain, *listeners], **keys}}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    link = Path(f"/tmp/gatepost-test-{os.getpid()}")
    link.symlink_to(tmp_path)
    yield link
    link.unlink()


async def by_unix(path: Path, data: bytes = GET) -> RawMessage:
    async with RawClient(*await asyncio.open_unix_connection(str(path))) as connection:
        return await connection.ask(data)


def insecure() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@BOTH_WAYS
@pytest.mark.parametrize("trusted", [[], ["unix:"]], ids=["untrusted", "trusted"])
async def test_a_client_on_a_unix_socket_has_no_address_of_its_own(
    gateway: StartGateway, upstream: RawUpstream, folder: Path, fast_lane: bool, trusted: list[str]
) -> None:
    path = folder / "g.sock"
    keys = {"fast_lane": fast_lane, "trusted_proxies": trusted, "max_connections_per_address": 1}
    running = gateway(configuration(upstream.url, **server({"unix": str(path)}, **keys)))
    assert f"unix:{path}" in (running.found("ready on") or "")
    async with RawClient(*await asyncio.open_unix_connection(str(path))) as first:
        assert (await first.ask(GET)).status == 200
        assert (await by_unix(path, FORWARDED)).status == 200
    seen = [request.header("X-Forwarded-For") for request in upstream.requests]
    assert seen == ["unknown", "198.51.100.9, unknown" if trusted else "unknown"]


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_unix_socket_survives_reloads_and_is_removed_at_the_end(
    gateway: StartGateway, upstream: RawUpstream, folder: Path, workers: int
) -> None:
    path = folder / "g.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    listener = {"unix": str(path), "mode": "0600"}
    config = configuration(upstream.url, **server(listener), logging={"level": "info"})
    running = gateway(config, workers=workers)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert {(await by_unix(path)).status for _ in range(4)} == {200}
    second = gateway(config, ready=False)
    assert await second.ended(within=START_LIMIT) == 1
    assert second.found(f"can't listen on unix:{path}: address already in use by another process")
    running.signal(signal.SIGHUP)
    await running.line("reloaded: the new configuration is active")
    assert (await by_unix(path)).status == 200
    running.signal(signal.SIGTERM)
    assert await running.ended(within=START_LIMIT) == 0
    assert path.name not in os.listdir(folder)


@BOTH_WAYS
async def test_the_proxy_protocol_names_the_client(
    gateway: StartGateway, upstream: RawUpstream, fast_lane: bool
) -> None:
    listener = {"host": "127.0.0.1", "port": 0, "proxy_protocol": True}
    keys = {"trusted_proxies": ["127.0.0.1"], "fast_lane": fast_lane}
    running = gateway(configuration(upstream.url, **server(listener, {**listener, "tls": "auto"}, **keys)))
    for url in (running.addresses("http")[-1], running.https):
        for header in (PROXY, PROXY_V2):
            upstream.reset()
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
            for byte in header:
                writer.write(bytes([byte]))
                await writer.drain()
            if url == running.https:
                await writer.start_tls(insecure())
            async with RawClient(reader, writer) as connection:
                assert (await connection.ask(GET)).status == 200
                # The client is no trusted proxy: what it says of others is not believed.
                assert (await connection.ask(FORWARDED)).status == 200
            assert [one.header("X-Forwarded-For") for one in upstream.requests] == ["192.0.2.7"] * 2
            assert {one.header("X-Forwarded-Proto") for one in upstream.requests} == {urlsplit(url).scheme}


async def proxied(running: Running, data: bytes) -> bytes:
    async with await RawClient.connect("127.0.0.1", urlsplit(running.addresses("http")[-1]).port or 0) as raw:
        await raw.send(data)
        try:
            return await raw.rest()
        except ConnectionError:
            return b""


async def test_a_connection_without_a_valid_proxy_header_is_closed_with_a_reason(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    listener = {"host": "127.0.0.1", "port": 0, "proxy_protocol": True}
    keys = {"trusted_proxies": ["127.0.0.1"], "timeouts": {"header": 0.5}}
    running = gateway(configuration(upstream.url, **server(listener, **keys)))
    for data, reason in (
        (GET, "does not begin with a PROXY protocol header"),
        (b"PROXY TCP4 1.2.3.4\r\n" + GET, "malformed"),
        (PROXY[:9], "did not come in time"),
    ):
        assert await proxied(running, data) == b""
        await running.line(f"connection from 127.0.0.1 closed: .*{reason}")
    assert upstream.requests == []


async def test_the_proxy_protocol_is_for_trusted_proxies_alone(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    listener = {"host": "127.0.0.1", "port": 0, "proxy_protocol": True}
    running = gateway(configuration(upstream.url, **server(listener, trusted_proxies=["192.0.2.0/24"])))
    assert await proxied(running, PROXY + GET) == b""
    await running.line("connection from 127.0.0.1 closed: it is not one of server.trusted_proxies")
    assert upstream.requests == []


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_listener_that_redirects_serves_nothing_else(
    gateway: StartGateway, upstream: RawUpstream, workers: int
) -> None:
    config = configuration(
        upstream.url,
        server={
            "listen": [{"host": "127.0.0.1", "port": 0, "redirect": "https"}],
            "public_url": "https://api.example.org",
        },
        logging={"level": "info"},
    )
    running = gateway(config, workers=workers)
    for reload in (False, True):
        if reload:
            running.signal(signal.SIGHUP)
            await running.line("reloaded: the new configuration is active")
        async with await running.connect() as connection:
            found = await connection.ask(b"GET /open?a=b HTTP/1.1\r\nHost: shop.example.org:80\r\n\r\n")
            assert (found.status, found.header("Location")) == (301, "https://shop.example.org/open?a=b")
            found = await connection.ask(
                b"POST /token HTTP/1.1\r\nHost: shop.example.org\r\nContent-Length: 3\r\n\r\na=b"
            )
            assert (found.status, found.header("Location")) == (308, "https://shop.example.org/token")
        for host in (b"a/b", b"a@b", b"a\\b", b"a b", b""):
            async with await running.connect() as connection:
                found = await connection.ask(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
                assert (found.status, found.header("Location")) == (400, None)
    assert upstream.requests == []
