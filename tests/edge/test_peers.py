"""Who calls through the edge: address and certificate can't be forged, and trusted proxies are believed."""

import base64
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme

from tests.conftest import Valkey
from tests.e2e.conftest import StartGateway
from tests.edge.clients import ask, head, http2, http3
from tests.edge.conftest import PLAIN, VERSIONS, EdgeStage, edge_configuration, port_of
from tests.raw import RawUpstream, raw_upstream
from tests.running import Running

FORWARDED = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "http")]


@VERSIONS
async def test_the_edge_believes_nobody_who_is_not_trusted(edge: EdgeStage, version: int) -> None:
    await ask(version, edge.port, "GET", "/open", FORWARDED)
    found = await edge.upstream.next()
    assert found.header("X-Forwarded-For") == "127.0.0.1"
    assert found.header("X-Forwarded-Proto") == "https"


@VERSIONS
async def test_nobody_guesses_the_edges_header(edge: EdgeStage, version: int) -> None:
    """What looks like it is passed on like any header, and believed by nobody."""
    name = "x-0123456789abcdef0123456789abcdef"
    await ask(version, edge.port, "GET", "/open", [(name, "https HTTP/2 203.0.113.9 ")])
    found = await edge.upstream.next()
    assert found.header("X-Forwarded-For") == "127.0.0.1"
    known = {"via", "host", "x-request-id", name, "content-length"}
    assert {key.lower() for key, _ in found.headers if key.lower() not in known} == {
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
    }


async def test_trusted_proxies_are_believed_at_the_edge(gateway: StartGateway, upstream: RawUpstream) -> None:
    running = gateway(edge_configuration(upstream.url, server={"trusted_proxies": ["127.0.0.0/8"]}))
    for number, version in enumerate((1, 2, 3), 1):
        await ask(version, port_of(running), "GET", "/open", FORWARDED)
        found = await upstream.next(number)
        assert found.header("X-Forwarded-For") == "203.0.113.9, 127.0.0.1"
        assert found.header("X-Forwarded-Proto") == "http"


@pytest.fixture(scope="module")
def mutual(
    tmp_path_factory: pytest.TempPathFactory, valkey: Valkey
) -> Iterator[tuple[EdgeStage, trustme.CA]]:
    """A gateway that asks for client certificates at its edge, and their CA."""
    folder: Path = tmp_path_factory.mktemp("mutual")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    tls = {"certificate": "cert.pem", "key": "key.pem", "client_ca": "ca.pem"}
    listen = [PLAIN, {"host": "127.0.0.1", "port": 0, "tls": tls, "http": [1, 2, 3]}]
    client = {"id": "shop", "tls_client_auth": {"san_dns": "shop.example.org"}, "scopes": ["orders.read"]}
    store = {"url": valkey.url, "prefix": f"test-{uuid4().hex[:12]}:"}
    with raw_upstream() as backend:
        made = edge_configuration(backend.url, server={"listen": listen}, clients=[client], store=store)
        running = Running(made, folder)
        running.await_ready()
        yield EdgeStage(running, backend), authority
        running.stop()


FORM = [("content-type", "application/x-www-form-urlencoded")]


TWO = pytest.mark.parametrize("version", [2, 3], ids=["http2", "http3"])


async def token(edge: EdgeStage, certificate: Any, version: int) -> tuple[int, bytes]:
    body = b"grant_type=client_credentials&client_id=shop&scope=orders.read"
    fields = head("POST", "/token", [*FORM, ("content-length", str(len(body)))])
    connection = http2(edge.port, certificate) if version == 2 else http3(edge.port, certificate)
    async with connection as client:
        found = await client.ask(fields, body)
    return found.status, found.body


@TWO
async def test_a_client_certificate_is_seen_through_the_edge(
    mutual: tuple[EdgeStage, trustme.CA], version: int
) -> None:
    edge, authority = mutual
    status, body = await token(edge, authority.issue_cert("shop.example.org"), version)
    assert status == 200, body
    status, body = await token(edge, authority.issue_cert("other.example.org"), version)
    assert (status, b"invalid_client" in body) == (401, True)
    status, body = await token(edge, None, version)
    assert status in {400, 401}, body


@TWO
async def test_a_certificate_of_a_stranger_is_refused_by_the_edge(
    mutual: tuple[EdgeStage, trustme.CA], version: int
) -> None:
    edge, _ = mutual
    try:
        status, _ = await token(edge, trustme.CA().issue_cert("shop.example.org"), version)
    except (ssl.SSLError, ConnectionError):
        return
    assert not status, "there is no answer"


async def test_headers_are_no_certificate_at_the_edge(mutual: tuple[EdgeStage, trustme.CA]) -> None:
    edge, authority = mutual
    pem = authority.issue_cert("shop.example.org").cert_chain_pems[0].bytes()
    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    claimed = [
        ("client-cert", f":{base64.b64encode(der).decode()}:"),
        ("x-forwarded-client-cert", f'Cert="{pem.decode()!r}"'),
    ]
    body = b"grant_type=client_credentials&client_id=shop"
    async with http2(edge.port) as client:
        found = await client.ask(head("POST", "/token", [*FORM, *claimed]), body)
    assert found.status in {400, 401}, found.body
