"""The real Envoy with what `gatepost export envoy` prints, before a real gateway."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from gateway.config.differences import route_id
from tests.bounds import mostly_within
from tests.certificates import Certificate
from tests.config.example import settings
from tests.conftest import Valkey
from tests.e2e.conftest import configuration
from tests.e2e.exported_envoy import Envoy, exported, validate
from tests.exactness.programs import program
from tests.raw import LIMIT, RawClient, RawUpstream, raw_upstream, says
from tests.raw import answer as raw_answer
from tests.running import Running
from tests.web.test_recording_middleware import metrics
from tests.web_gateway import ask_for_token
from tests.web_gateway import request as message

OPEN = {"path": "/open", "upstream": "open", "auth": "none", "strip_prefix": False}


@dataclass(frozen=True)
class Edge:
    """Envoy before a gateway, which has two backends."""

    port: int
    tls: int
    """The port with TLS."""
    gateway: Running
    orders: RawUpstream
    open: RawUpstream
    lua: bool
    """Whether Envoy remembers whom the gateway has let in."""


def config(
    orders: RawUpstream, other: RawUpstream, secure: RawUpstream, store: dict[str, str], folder: Path
) -> dict[str, Any]:
    tls = f"https://127.0.0.1:{secure.port}"
    limit = {"use": "rate_limit", "with": {"limit": 3, "per": "1h", "by": "address"}}
    breaker = {
        "servers": [{"url": "http://127.0.0.1:1"}, {"url": orders.url}],
        "retries": {"attempts": 2, "on": ["connect"]},
    }
    return configuration(
        orders.url,
        server={
            "trusted_proxies": ["127.0.0.1"],
            "state_dir": str(folder / "state"),
            "listen": [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": "auto"}],
        },
        store=store,
        tokens={"key": "k" * 32},
        clients=[{"id": "shop", "secrets": ["shop-secret"], "scopes": ["orders.read"]}],
        upstreams={
            "orders": {"servers": [{"url": orders.url + "/base"}]},
            "open": {"servers": [{"url": other.url}]},
            "flaky": breaker,
            "secure": {"servers": [{"url": tls}], "tls": {"ca": str(folder / "ca.pem")}},
            "impostor": {
                "servers": [{"url": tls}],
                "tls": {"ca": str(folder / "ca.pem"), "server_name": "other.example"},
            },
        },
        routes=[
            {
                "path": "/orders",
                "upstream": "orders",
                "scopes": ["orders.read"],
                "rewrite_answers": False,
                "methods": ["GET"],
            },
            {"path": "/orders/admin", "upstream": "orders", "scopes": ["admin"], "strip_prefix": False},
            OPEN,
            {
                "path": "/limited",
                "upstream": "open",
                "auth": "none",
                "strip_prefix": False,
                "plugins": [limit],
            },
            {"path": "/proxied", "upstream": "orders", "auth": "none", "plugins": [limit]},
            {"path": "/secure", "upstream": "secure", "auth": "none", "strip_prefix": False},
            {"path": "/impostor", "upstream": "impostor", "auth": "none", "strip_prefix": False},
            {"path": "/flaky", "upstream": "flaky", "auth": "none", "strip_prefix": False},
        ],
        plugins=[{"use": "request_id"}],
    )


@pytest.fixture(scope="module", params=["ext_authz", "lua"])
def edge(
    request: pytest.FixtureRequest, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Edge]:
    program("envoy")
    folder, prefix = tmp_path_factory.mktemp("edge"), f"export-envoy-{request.param}:"
    authority, server = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1").configure_cert(server)
    with (
        raw_upstream() as orders,
        raw_upstream() as other,
        raw_upstream(tls=server) as secure,
        valkey.client as client,
    ):
        secure.conversation = says(raw_answer(body=b"secure"))
        client.delete(*client.keys(prefix + "*") or ["export-envoy:none"])
        found = config(orders, other, secure, {"url": valkey.url, "prefix": prefix}, folder)
        running = Running(found, folder)
        running.await_ready()
        made = exported(running.file, "--gateway", running.http, "--check", request.param, "--http3")
        validate(made)
        envoy = Envoy(made, folder)
        try:
            plain, tls, _ = envoy.await_ports(3)
            yield Edge(plain, tls, running, orders, other, request.param == "lua")
        finally:
            envoy.stop()
            assert "script log" not in envoy.log, envoy.log
        running.stop()


@pytest.fixture
async def caller(edge: Edge) -> AsyncIterator[RawClient]:
    edge.orders.reset()
    edge.open.reset()
    async with await RawClient.connect("127.0.0.1", edge.port) as connected:
        yield connected


@pytest.fixture
async def token(caller: RawClient) -> str:
    """Asked for through Envoy: the gateway's endpoints are reached."""
    return await new_token(caller)


async def new_token(caller: RawClient) -> str:
    answer = await ask_for_token(caller, "scope=orders.read", "shop:shop-secret")
    return str(json.loads(answer.content)["access_token"])


async def test_a_request_goes_upstream_as_the_gateway_would_send_it(
    edge: Edge, caller: RawClient, token: str
) -> None:
    bearer = f"Authorization: Bearer {token}"
    for path in ("/orders/7%2Fa?x=%2F", "/%6Frders/7%2Fa?x=%2F"):
        edge.orders.reset()
        answer = await caller.ask(message(path, bearer, "X-Client-Id: root", "X_Client_Id: root"))
        assert answer.status == 200
        seen = await edge.orders.next()
        assert seen.target == "/base/7%2Fa?x=%2F"
        assert (seen.all("X-Client-Id"), seen.header("X-Forwarded-Prefix")) == (["shop"], "/orders")
        assert (seen.header("Authorization"), seen.header("X-Forwarded-Host")) == (None, "api.example.org")
        assert seen.header("X-Request-Id") == answer.header("X-Request-Id")
        assert "root" not in [value for _, value in seen.headers]
        assert seen.header("X-Gatepost-Route") is None
    edge.orders.reset()
    assert (await caller.ask(message("/orders?x", bearer))).status == 200
    assert (await edge.orders.next()).target == "/base/?x"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/orders/admin/7", 403, "900910"),
        ("GET", "/orders/%61dmin/7", 403, "900910"),
        ("POST", "/orders", 405, "405"),
        ("GET", "/nothing", 404, "404"),
        ("GET", "/Orders", 400, "400"),
        ("GET", "/open/..%2forders", 400, "400"),
    ],
)
async def test_a_refusal_is_the_gateways(
    edge: Edge, caller: RawClient, token: str, method: str, path: str, status: int, code: str
) -> None:
    answer = await caller.ask(message(path, f"Authorization: Bearer {token}", method=method))
    assert (answer.status, json.loads(answer.content)["code"]) == (status, code)
    assert not edge.orders.requests
    assert not edge.open.requests


async def test_a_challenge_reaches_the_caller(caller: RawClient) -> None:
    missing = await caller.ask(message("/orders"))
    assert (missing.status, missing.header("Content-Type")) == (401, "application/problem+json")
    assert 'realm="gatepost"' in (missing.header("WWW-Authenticate") or "")


async def test_no_caller_chooses_another_route_or_asks_the_gateway_itself(
    edge: Edge, caller: RawClient
) -> None:
    (open_route,) = settings("routes: [{path: /open, upstream: 'http://h'}]").routes
    chosen = f"X-Gatepost-Route: {route_id(open_route)}"
    assert (await caller.ask(message("/orders", chosen))).status == 401
    assert (await caller.ask(message("/open", chosen))).status == 200
    for path in ("/auth/verify", "/auth/verify/open", "/auth/verif%79/open", "/auth//verify/open"):
        described = ("X-Original-Method: GET", "X-Original-URL: /open")
        async with await RawClient.connect("127.0.0.1", edge.port) as other:
            assert (await other.ask(message(path, *described))).status in (400, 404), path
    assert not edge.orders.requests
    assert len(edge.open.requests) == 1


@pytest.mark.parametrize("path", ["/limited", "/proxied"])
async def test_each_request_counts_once_whoever_proxies_it(caller: RawClient, path: str) -> None:
    statuses = [(await caller.ask(message(path))).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_a_server_that_is_away_is_passed_over(caller: RawClient) -> None:
    assert [(await caller.ask(message("/flaky"))).status for _ in range(4)] == [200] * 4


async def test_with_tls_and_http_2_a_request_goes_upstream_likewise(
    edge: Edge, caller: RawClient, token: str
) -> None:
    curl = program("curl")
    url, bearer = f"https://127.0.0.1:{edge.tls}/orders/7%2Fa?x=%2F", f"Authorization: Bearer {token}"
    answer = await asyncio.to_thread(
        subprocess.run,
        [curl, "-sik", "--http2", "-H", bearer, "-H", "X-Client-Id: root", url],
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT,
    )
    assert answer.stdout.startswith("HTTP/2 200")
    assert 'alt-svc: h3=":' in answer.stdout
    seen = await edge.orders.next()
    assert seen.target == "/base/7%2Fa?x=%2F"
    assert (seen.all("X-Client-Id"), seen.header("Authorization")) == (["shop"], None)
    assert seen.header("X-Forwarded-Proto") == "https"


async def questions(edge: Edge) -> int:
    """How many requests of /orders the gateway was asked about."""
    counted = r'^gatepost_requests_total\{[^}]*route="/auth/verify /orders"[^}]*\} (\d+)'
    return sum(map(int, re.findall(counted, await metrics(edge.gateway), re.M)))


async def revoke(edge: Edge, token: str) -> None:
    login = {"Authorization": aiohttp.encode_basic_auth("shop", "shop-secret")}
    async with (
        aiohttp.ClientSession(headers=login) as session,
        session.post(f"{edge.gateway.http}/revoke", data={"token": token}) as answer,
    ):
        assert answer.status == 200


async def test_lua_remembers_a_token_for_a_moment_and_ext_authz_does_not(
    edge: Edge, caller: RawClient, token: str
) -> None:
    bearer = f"Authorization: Bearer {token}"
    unasked, deadline = 0, time.monotonic() + LIMIT
    while not unasked and time.monotonic() < deadline:
        before = await questions(edge)
        for number in range(4):
            answer = await caller.ask(message(f"/orders/{number}?page=2", bearer))
            assert answer.status == 200
            assert answer.header("X-Request-Id")
        unasked = 4 - (await questions(edge) - before)
        if not edge.lua:
            break
    assert (unasked > 0) is edge.lua
    edge.orders.reset()
    answer = await caller.ask(message("/orders/7", bearer, "X-Client-Id: root"))
    seen = await edge.orders.next()
    assert (seen.all("X-Client-Id"), seen.all("X-Authenticated-Scope")) == (
        ["shop"],
        ["am_application_scope orders.read"],
    )
    assert (seen.header("X-Gatepost-Route"), seen.header("Authorization")) == (None, None)
    assert seen.header("X-Request-Id") == answer.header("X-Request-Id")


async def test_what_was_remembered_lets_nothing_else_in(edge: Edge, caller: RawClient, token: str) -> None:
    bearer = f"Authorization: Bearer {token}"
    others = {
        message("/orders/admin/7", bearer): 403,
        message("/orders/7", bearer, method="POST"): 405,
        message("/orders/%2e%2e/open", bearer): 400,
        message("/orders/;/admin", bearer): 400,
        message("/Orders/7", bearer): 400,
        message("/orders/7", bearer, bearer): 400,
        message("/orders/7", bearer + "x"): 401,
        message("/orders/7", bearer.replace("Bearer", "DPoP")): 401,
        message("/orders/7"): 401,
    }
    for other, status in others.items():
        async with await RawClient.connect("127.0.0.1", edge.port) as fresh:
            assert (await caller.ask(message("/orders/7", bearer))).status == 200
            assert (await fresh.ask(other)).status == status, other


async def test_a_revoked_token_is_refused_within_100_milliseconds(edge: Edge, caller: RawClient) -> None:
    async def let_in() -> float:
        """Seconds after the revocation when the last request began that was let in."""
        token = await new_token(caller)
        asked = message("/orders/7", f"Authorization: Bearer {token}")
        assert (await caller.ask(asked)).status == 200
        await revoke(edge, token)
        revoked = began = time.monotonic()
        last = 0.0
        while (await caller.ask(asked)).status == 200:
            last = began - revoked
            began = time.monotonic()
            assert began < revoked + LIMIT, "it is let in for ever"
        return last

    await mostly_within(0.1, let_in)


EVERYTHING = """
server:
  state_dir: {folder}
  listen:
    - {{port: 8280, proxy_protocol: true}}
    - {{port: 80, redirect: https}}
    - {{unix: {folder}/envoy.sock}}
    - {{port: 8443, tls: auto}}
    - port: 443
      tls: [{{certificate: {pem}, key: {pem}, client_ca: {pem}}}, {{certificate: {pem}, key: {pem}}}]
  trusted_proxies: [10.0.0.0/8]
  public_url: https://localhost/auth
upstreams:
  everything:
    servers: [{{url: "http://127.0.0.1:9001/base", weight: 3}}, {{url: "http://127.0.0.1:9002/base"}}]
    balance: least_requests
    health: {{path: /up, port: 81, headers: {{X-Check: "1"}}, expect: {{status: [204], body: ok}}}}
    retries: {{attempts: 2, on: [connect, reset, "503"]}}
    breaker: {{failures: 3, open_for: 5s}}
    host_header: orders.example
  secure: {{servers: [{{url: "https://localhost:9443"}}], tls: {{ca: {pem}, certificate: {pem}, key: {pem}}}}}
  unverified: {{servers: [{{url: "https://localhost:9444"}}], tls: {{verify: false}}}}
  socket: {{servers: [{{url: "unix:/run/app.sock"}}]}}
routes:
  - {{path: /a, upstream: everything, rewrite_answers: false, where: {{headers: {{X-Version: "2"}}}}}}
  - {{path: /b, upstream: secure, strip_prefix: false, scopes: [b]}}
  - {{path: "/c/{{id}}/d", upstream: unverified, host: "*.example.org"}}
  - {{path: /e, upstream: socket, strip_prefix: false, methods: [GET, PUT]}}
  - {{path: /f, upstream: everything}}
  - {{path: /g, verify_only: true}}
"""


@pytest.mark.parametrize(
    "options", [(), ("--check", "lua", "--http3", "--gateway", "https://localhost:8243")]
)
def test_envoy_takes_the_export_of_every_key(tmp_path: Path, options: tuple[str, ...]) -> None:
    pem = Certificate("CN=localhost", authority=True).file(tmp_path, "own")
    for name in ("certificate.pem", "key.pem"):
        pem.with_name(name).write_bytes(pem.read_bytes())
    file = tmp_path / "gateway.yaml"
    file.write_text(EVERYTHING.format(folder=tmp_path, pem=pem))
    validate(exported(file, *options))


async def test_servers_with_tls_are_verified_and_asked_through_envoy(edge: Edge, caller: RawClient) -> None:
    assert (await caller.ask(message("/secure/7"))).content == b"secure"
    assert (await caller.ask(message("/impostor/7"))).status == 503
