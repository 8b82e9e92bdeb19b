"""Servers behind TLS: who is trusted, and who the gateway shows itself as."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.tls import client_context
from tests.upstream.defaults import a_server, tls_of
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
    upstream = await make_upstream(a_server(url, tls=tls_of(ca=authority.path)))
    for _ in range(2):
        assert await (await upstream.fetch(get(), "GET")).read() == b"ok"
    assert server.connections == 1


@pytest.mark.parametrize("name", ["127.0.0.1", "elsewhere.test"])
async def test_a_certificate_that_is_not_to_be_trusted(
    serve: Serve, make_upstream: MakeUpstream, authority: Authority, name: str
) -> None:
    server = await serve(always(answer()), authority.server_context(name))
    trusted = tls_of() if name == "127.0.0.1" else tls_of(ca=authority.path)
    settings = a_server(f"https://127.0.0.1:{server.port}", tls=trusted)
    upstream = await make_upstream(settings)
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get(), "GET")
    unverified = await make_upstream(replace(settings, tls=tls_of(verify=False)))
    assert (await unverified.fetch(get(), "GET")).head.status == 200


async def test_the_name_asked_for_can_be_another_than_the_urls(
    serve: Serve, make_upstream: MakeUpstream, authority: Authority
) -> None:
    asked: list[str | None] = []
    context = authority.server_context("orders.test")
    context.sni_callback = lambda tls, name, this: asked.append(name)
    server = await serve(always(answer()), context)
    tls = tls_of(ca=authority.path, server_name="orders.test")
    upstream = await make_upstream(a_server(f"https://127.0.0.1:{server.port}", tls=tls))
    assert (await upstream.fetch(get(), "GET")).head.status == 200
    assert asked == ["orders.test"]


async def test_the_gateway_shows_its_own_certificate(
    serve: Serve, make_upstream: MakeUpstream, authority: Authority, tmp_path: Path
) -> None:
    server = await serve(always(answer()), authority.server_context("127.0.0.1", ask_client=True))
    own = authority.ca.issue_cert("gateway.test")
    own.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    tls = tls_of(ca=authority.path, certificate=tmp_path / "own.pem")
    url = f"https://127.0.0.1:{server.port}"
    upstream = await make_upstream(a_server(url, tls=tls))
    assert (await upstream.fetch(get(), "GET")).head.status == 200
    anonymous = await make_upstream(a_server(url, tls=tls_of(ca=authority.path)))
    with pytest.raises(UpstreamBroken):
        await anonymous.fetch(get(), "GET")


async def test_plain_http_where_tls_is_spoken(
    serve: Serve, make_upstream: MakeUpstream, authority: Authority
) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(answer(status="400 Bad Request"))

    server = await serve(script)
    tls = tls_of(ca=authority.path)
    upstream = await make_upstream(a_server(f"https://127.0.0.1:{server.port}", tls=tls))
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get(), "GET")


def test_old_tls_is_not_spoken() -> None:
    assert client_context(tls_of()).minimum_version == ssl.TLSVersion.TLSv1_2
