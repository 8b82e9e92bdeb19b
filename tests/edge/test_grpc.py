"""Calls of gRPC at an edge with TLS, beside HTTP. What they can is in tests/e2e/test_grpc.py."""

from __future__ import annotations

import re
import signal
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import grpc
import pytest
import trustme
import yaml

from gateway.config.differences import route_id
from gateway.edge.configuration import EdgeConfiguration
from gateway.edge.grpc import grpc_clusters, grpc_routes, speaks_grpc, upstream_tls_files
from gateway.http.edge_header import EdgeHeader
from tests.config.example import settings
from tests.conftest import Valkey
from tests.e2e.conftest import token
from tests.e2e.test_grpc import CHAT, GET, LIMITED, Orders, failure
from tests.e2e.test_tls_certificates import write
from tests.edge.clients import HOST, ask
from tests.edge.conftest import VERSIONS, EdgeStage, edge_configuration
from tests.ports import free_port
from tests.raw import LIMIT, raw_upstream
from tests.running import START_LIMIT, Running

CALL = [("content-type", "application/grpc"), ("te", "trailers")]
BODY = b"\0" + struct.pack(">I", 1) + b"7"
FORGED = [
    ("x-client-id", "root"),
    ("x_client_id", "root"),
    ("x-authenticated-userid", "root"),
    ("x-forwarded-for", "203.0.113.9"),
    ("x-forwarded-host", "evil.example.org"),
    ("x-http-method-override", "DELETE"),
    ("client-cert", "evil"),
]


@dataclass
class TlsShop:
    """A gateway with an edge, and a server of gRPC that wants to see its certificate."""

    edge: EdgeStage
    server: Orders
    channel: grpc.Channel
    authority: trustme.CA

    @property
    def seen(self) -> dict[str, str]:
        """What the server has seen of the last call."""
        return self.server.metadata[-1]


@pytest.fixture(scope="module")
def shop(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsShop]:
    folder, orders, authority, own = tmp_path_factory.mktemp("grpc"), Orders(), trustme.CA(), trustme.CA()
    server = grpc.server(ThreadPoolExecutor(8), handlers=(orders,))
    port = server.add_secure_port("127.0.0.1:0", server_credentials(authority))
    server.start()
    with raw_upstream() as backend:
        running = Running(config(backend.url, port, folder, authority, own, valkey), folder)
        running.await_ready()
        stage = EdgeStage(running, backend)
        trusted = grpc.ssl_channel_credentials(own.cert_pem.bytes())
        with grpc.secure_channel(f"{HOST}:{stage.port}", trusted) as channel:
            yield TlsShop(stage, orders, channel, authority)
        orders.go_on.set()
        running.stop()
    server.stop(None).wait(LIMIT)


def server_credentials(authority: trustme.CA) -> grpc.ServerCredentials:
    issued = authority.issue_cert(HOST)
    pair = issued.private_key_pem.bytes(), issued.cert_chain_pems[0].bytes()
    return grpc.ssl_server_credentials([pair], authority.cert_pem.bytes(), require_client_auth=True)


def config(
    backend: str, port: int, folder: Path, authority: trustme.CA, own: trustme.CA, valkey: Valkey
) -> dict[str, Any]:
    authority.cert_pem.write_to_path(folder / "ca.pem")
    shown = write(authority, folder / "shown", "gateway.example.org")
    listener = {"host": "127.0.0.1", "port": 0, "tls": write(own, folder / "own", HOST), "http": [1, 2, 3]}
    shop = {"protocol": "grpc", "servers": [{"url": f"https://{HOST}:{port}"}]}
    shop["tls"] = {"ca": "ca.pem", **shown}
    down = {"protocol": "grpc", "servers": [{"url": f"http://127.0.0.1:{free_port()}"}]}
    found = edge_configuration(
        backend,
        store={"url": valkey.url, "prefix": f"test-{uuid4().hex[:12]}:"},
        upstreams={"gatepost": shop, "down": down},
    )
    found["server"]["listen"][1] = listener
    found["routes"] = [
        *found["routes"],
        {"path": "/shop.Orders", "upstream": "gatepost", "scopes": ["orders.read"]},
        {"path": "/shop.Admin", "upstream": "gatepost", "auth": "none"},
        {"path": "/down.Service", "upstream": "down", "auth": "none"},
        {"path": "/judged", "verify_only": True, "auth": "none"},
        {"path": "/once", "upstream": "backend", "auth": "none", "plugins": [LIMITED]},
    ]
    return found


async def bearer(shop: TlsShop) -> tuple[str, str]:
    issued = await token(shop.edge.running, scope="orders.read")
    return "authorization", f"Bearer {issued['access_token']}"


async def test_grpc_at_the_edge_reaches_a_server_with_tls_and_its_own_ca(shop: TlsShop) -> None:
    metadata = (await bearer(shop),)
    answer, call = shop.channel.unary_unary(GET).with_call(b"7", metadata=metadata, timeout=LIMIT)
    assert (answer, dict(call.trailing_metadata())["x-end"]) == (b"got 7", "2")


async def test_the_edge_tells_a_server_of_grpc_who_calls_and_nobody_forges_it(shop: TlsShop) -> None:
    metadata = (await bearer(shop), *FORGED)
    assert failure(shop.channel, GET, metadata) is None
    seen = shop.seen
    told = {name: value for name, value in seen.items() if name.startswith(("x-", "client-", "x_"))}
    assert len(told.pop("x-request-id")) == 32
    assert told == {
        "x-client-id": "demo",
        "x-authenticated-scope": "am_application_scope orders.read",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": f"localhost:{shop.edge.port}",
        "x-forwarded-proto": "https",
    }
    assert (seen["via"], "authorization" in seen) == ("HTTP/2 gatepost", False)


async def test_no_call_at_the_edge_chooses_its_route_itself(shop: TlsShop) -> None:
    """Nor does a request of HTTP become one."""
    known = settings("routes: [{path: /shop.Admin, upstream: 'http://127.0.0.1:1', auth: none}]")
    forged = ("x-gatepost-route", route_id(known.routes[0]))
    before = len(shop.server.metadata)
    assert failure(shop.channel, GET, (forged,)).code() is grpc.StatusCode.UNAUTHENTICATED
    assert (await ask(2, shop.edge.port, "GET", "/orders/1", [forged])).status == 401
    assert len(shop.server.metadata) == before
    # It is the id that the gateway itself gives.
    assert failure(shop.channel, "/shop.Admin/Delete", (forged,)) is None


@pytest.mark.parametrize("version", [2, 3], ids=["http2", "http3"])
async def test_calls_of_grpc_come_by_each_version_that_has_trailers(shop: TlsShop, version: int) -> None:
    found = await ask(version, shop.edge.port, "POST", GET, [*CALL, await bearer(shop)], BODY)
    assert (found.status, found.body[5:]) == (200, b"got 7")
    assert ("grpc-status", "0") in found.trailers


@VERSIONS
async def test_http_beside_grpc_at_the_edge_is_what_it_was(shop: TlsShop, version: int) -> None:
    shop.edge.upstream.reset()
    path = "/open/a//b%2Fc/;x=1?q=%41"
    found = await ask(version, shop.edge.port, "POST", path, [("x-forwarded-uri", "/evil"), *CALL[:1]], b"x")
    assert (found.status, found.body) == (200, b"hello")
    request = await shop.edge.upstream.next()
    assert (request.target, request.content) == (path, b"x")
    assert request.header("x-forwarded-uri") is None
    assert request.header("x-forwarded-for") == "127.0.0.1"


async def test_a_request_of_http_that_the_edge_asks_about_is_counted_once(shop: TlsShop) -> None:
    shop.edge.upstream.reset()
    asked = [(await ask(2, shop.edge.port, "POST", "/once", CALL)).status for _ in range(3)]
    assert asked == [200, 200, 429]


async def test_at_the_edge_only_calls_reach_a_server_of_grpc(shop: TlsShop) -> None:
    before = len(shop.server.metadata)
    for kind in ("application/json", "text/html"):
        found = await ask(2, shop.edge.port, "POST", "/shop.Admin/Delete", [("content-type", kind)], b"{}")
        assert found.status == 404
    assert len(shop.server.metadata) == before


async def test_calls_at_the_edge_on_other_paths_have_the_gateways_own_answers(shop: TlsShop) -> None:
    form = [("authorization", "Basic ZGVtbzpkZW1vLXNlY3JldA=="), ("content-type", "application/grpc")]
    assert (await ask(2, shop.edge.port, "POST", "/token", form, b"a=b")).status == 400
    judged = await ask(2, shop.edge.port, "POST", "/judged", CALL)
    assert (judged.status, judged.header("grpc-status")) == (404, None)


async def test_an_upstream_of_grpc_that_is_down_is_unavailable_at_the_edge(shop: TlsShop) -> None:
    error = failure(shop.channel, "/down.Service/Get")
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert "{" not in error.details()


async def test_a_reload_reaches_calls_of_grpc_at_the_edge_and_ends_no_stream(shop: TlsShop) -> None:
    running, more = shop.edge.running, threading.Event()
    metadata = (await bearer(shop),)

    def messages() -> Iterator[bytes]:
        yield b"one"
        assert more.wait(START_LIMIT)
        yield b"two"

    answers = shop.channel.stream_stream(CHAT)(messages(), metadata=metadata, timeout=START_LIMIT)
    assert next(answers) == b"ONE"
    assert failure(shop.channel, "/new.Service/Get").code() is grpc.StatusCode.UNIMPLEMENTED
    file = yaml.safe_load(running.file.read_text())
    file["routes"] += [{"path": "/new.Service", "upstream": "gatepost", "auth": "none"}]
    running.write(file)
    running.lines.clear()
    running.signal(signal.SIGHUP)
    await running.line("reloaded: the new configuration is active")
    error = failure(shop.channel, "/new.Service/Get")
    assert error.details() == "Method not found!", "the server's own answer"
    more.set()
    assert list(answers) == [b"TWO"]


async def test_calls_of_grpc_at_the_edge_are_counted(shop: TlsShop) -> None:
    assert failure(shop.channel, GET, (await bearer(shop),)) is None
    page = f"{shop.edge.running.management}/metrics"
    async with aiohttp.ClientSession() as session, session.get(page) as answer:
        text = await answer.text()
    assert re.search(r'gatepost_requests_total\{[^}]*"/auth/verify /shop.Orders",status="200"\} [1-9]', text)


# What Envoy is told, as pure values.

FILE = """\
upstreams:
  gatepost: {servers: [{url: https://127.0.0.1:50051}], protocol: grpc, tls: {ca: CA, certificate: PAIR}}
  other: {servers: [{url: https://shop.example.org}], protocol: grpc}
server: {listen: [{port: 80, http: [1, 2]}]}
routes:
- {path: /shop.Orders, upstream: gatepost}
- {path: /shop.Other, upstream: other}
- {path: /off, upstream: other, enabled: false}
"""


def test_upstreams_of_grpc_at_the_edge_have_their_files_content_and_the_systems_cas(tmp_path: Path) -> None:
    issued = write(authority := trustme.CA(), tmp_path, HOST)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    pair = tmp_path / "pair.pem"
    pair.write_bytes(b"".join(Path(file).read_bytes() for file in issued.values()))
    loaded = settings(FILE.replace("CA", str(tmp_path / "ca.pem")).replace("PAIR", str(pair)))
    files = {tmp_path / "ca.pem": "the CA", pair: "both"}
    assert set(upstream_tls_files(loaded)) == set(files)
    header, folder, system = EdgeHeader("x-0123"), Path("/run/edge"), Path("/system.pem")
    found = EdgeConfiguration(loaded, (), (), header, folder, files, system)
    first, second = grpc_clusters(found)
    assert (first["name"], second["name"]) == ("grpc:gatepost", "grpc:other")
    common = first["transport_socket"]["typed_config"]["common_tls_context"]
    assert common["validation_context"]["trusted_ca"] == {"inline_string": "the CA"}
    (shown,) = common["tls_certificates"]
    assert shown == {name: {"inline_string": "both"} for name in ("certificate_chain", "private_key")}
    common = second["transport_socket"]["typed_config"]["common_tls_context"]
    assert common["validation_context"]["trusted_ca"] == {"filename": "/system.pem"}


def test_without_routes_of_grpc_the_edge_asks_about_nothing() -> None:
    plain = settings("routes: [{path: /, upstream: 'http://127.0.0.1:1'}]")
    assert not speaks_grpc(plain)
    assert list(grpc_routes(plain, {})) == []
