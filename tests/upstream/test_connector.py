"""Reaching a server: by name, by socket, by TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from gateway.upstream.address import parse_address
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.connector import Connector
from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.settings import PoolSettings, ServerSettings, Timeouts, TlsSettings, UpstreamSettings
from gateway.upstream.tls import client_context
from gateway.upstream.upstream import Upstream
from tests.upstream.scripted import MakeUpstream, Peer, Serve, always, answer, get


class Authority:
    """A certificate authority with its certificate in a file."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.path = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(self.path)

    def server_context(self, name: str, *, ask_client: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(name).configure_cert(context)
        if ask_client:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


async def test_a_server_behind_tls(serve: Serve, make_upstream: MakeUpstream, authority: Authority) -> None:
    server = await serve(always(answer()), authority.server_context("127.0.0.1"))
    url = f"https://127.0.0.1:{server.port}"
    upstream = await make_upstream(ServerSettings(url, tls=TlsSettings(ca=authority.path)))
    for _ in range(2):
        assert await (await upstream.fetch(get(), "GET")).read() == b"ok"
    assert server.connections == 1


@pytest.mark.parametrize("name", ["127.0.0.1", "elsewhere.test"])
async def test_a_certificate_that_is_not_to_be_trusted(
    serve: Serve, make_upstream: MakeUpstream, authority: Authority, name: str
) -> None:
    server = await serve(always(answer()), authority.server_context(name))
    trusted = TlsSettings() if name == "127.0.0.1" else TlsSettings(ca=authority.path)
    settings = ServerSettings(f"https://127.0.0.1:{server.port}", tls=trusted)
    upstream = await make_upstream(settings)
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get(), "GET")
    unverified = await make_upstream(replace(settings, tls=TlsSettings(verify=False)))
    assert (await unverified.fetch(get(), "GET")).head.status == 200


async def test_the_name_asked_for_can_be_another_than_the_urls(
    serve: Serve, make_upstream: MakeUpstream, authority: Authority
) -> None:
    asked: list[str | None] = []
    context = authority.server_context("orders.test")
    context.sni_callback = lambda tls, name, this: asked.append(name)
    server = await serve(always(answer()), context)
    tls = TlsSettings(ca=authority.path, server_name="orders.test")
    upstream = await make_upstream(ServerSettings(f"https://127.0.0.1:{server.port}", tls=tls))
    assert (await upstream.fetch(get(), "GET")).head.status == 200
    assert asked == ["orders.test"]


async def test_the_gateway_shows_its_own_certificate(
    serve: Serve, make_upstream: MakeUpstream, authority: Authority, tmp_path: Path
) -> None:
    server = await serve(always(answer()), authority.server_context("127.0.0.1", ask_client=True))
    own = authority.ca.issue_cert("gateway.test")
    own.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    tls = TlsSettings(ca=authority.path, certificate=tmp_path / "own.pem")
    url = f"https://127.0.0.1:{server.port}"
    upstream = await make_upstream(ServerSettings(url, tls=tls))
    assert (await upstream.fetch(get(), "GET")).head.status == 200
    anonymous = await make_upstream(ServerSettings(url, tls=TlsSettings(ca=authority.path)))
    with pytest.raises(UpstreamBroken):
        await anonymous.fetch(get(), "GET")


async def test_plain_http_where_tls_is_spoken(
    serve: Serve, make_upstream: MakeUpstream, authority: Authority
) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(answer(status="400 Bad Request"))

    server = await serve(script)
    tls = TlsSettings(ca=authority.path)
    upstream = await make_upstream(ServerSettings(f"https://127.0.0.1:{server.port}", tls=tls))
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get(), "GET")


def test_old_tls_is_not_spoken() -> None:
    assert client_context(TlsSettings()).minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.fixture
def socket_path() -> Iterator[str]:
    # Not under pytest's directories: a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="gatepost-test-") as folder:
        yield f"{folder}/s"


async def test_a_server_behind_a_unix_socket(
    serve: Serve, make_upstream: MakeUpstream, socket_path: str
) -> None:
    await serve(always(answer()), path=socket_path)
    upstream = await make_upstream(f"unix:{socket_path}")
    assert await (await upstream.fetch(get(), "GET")).read() == b"ok"


async def test_a_unix_socket_without_a_server(make_upstream: MakeUpstream, socket_path: str) -> None:
    upstream = await make_upstream(f"unix:{socket_path}")
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get(), "GET")


def upstream_by_name(port: int, *addresses: str) -> Upstream:
    async def lookup(host: str, port: int) -> list[str]:
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return list(addresses)

    settings = UpstreamSettings(
        (ServerSettings(f"http://orders.test:{port}"),), timeouts=Timeouts(connect=0.5)
    )
    return Upstream("test", settings, lookup=lookup)


async def test_all_addresses_are_tried(serve: Serve) -> None:
    server = await serve(always(answer()))
    upstream = upstream_by_name(server.port, "127.0.0.66", "127.0.0.77", "127.0.0.1")
    await upstream.start()
    assert (await upstream.fetch(get(), "GET")).head.status == 200
    await upstream.stop()


@pytest.mark.parametrize("addresses", [(), ("127.0.0.66", "127.0.0.77")])
async def test_no_address_answers(addresses: tuple[str, ...]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        upstream = upstream_by_name(unused.getsockname()[1], *addresses)
        await upstream.start()
        with pytest.raises(UpstreamBroken):
            await upstream.fetch(get(), "GET")
        await upstream.stop()


async def test_an_address_that_swallows_everything_leaves_time_for_the_others(serve: Serve) -> None:
    server = await serve(always(answer()))
    with socket.socket() as full:
        full.bind(("127.0.0.66", server.port))
        full.listen(0)
        with socket.create_connection(("127.0.0.66", server.port)):
            upstream = upstream_by_name(server.port, "127.0.0.66", "127.0.0.1")
            await upstream.start()
            assert (await upstream.fetch(get(), "GET")).head.status == 200
            await upstream.stop()


async def test_a_connection_made_by_hand(serve: Serve) -> None:
    server = await serve(always(answer()))
    loop = asyncio.get_running_loop()
    upstream = upstream_by_name(server.port, "127.0.0.1")
    await upstream.start()
    connector = Connector(parse_address(server.url), timeout=PoolSettings().queue_timeout)
    pool = upstream.servers[0].pool
    connection = await connector.connect(lambda: UpstreamConnection(loop, pool, PoolSettings()))
    assert connection.open
    connection.abort()
    assert not connection.open
    await upstream.stop()
