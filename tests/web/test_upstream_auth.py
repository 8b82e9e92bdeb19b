"""Credentials for upstreams, as upstreams and a token server see them, on both ways."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.conftest import Valkey
from tests.raw import RawUpstream
from tests.running import Running
from tests.web_gateway import problem, request, web_config

SECRET = "token-server-secret"


class Backend:
    """A token server at /token, and an API that knows the tokens that are good."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def reset(self) -> None:
        self.token_requests: list[tuple[str | None, dict[str, list[str]]]] = []
        self.good: set[str] = set()
        self.status = 200
        self.accepts = True
        self.seen: list[str | None] = []

    def revoke_all(self) -> None:
        with self.lock:
            self.good.clear()

    def _handler(backend) -> type[BaseHTTPRequestHandler]:  # noqa: N805 (the handler has a self of its own)
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/token":
                    with backend.lock:
                        backend.token_requests.append(
                            (self.headers["Authorization"], parse_qs(body.decode()))
                        )
                        number = len(backend.token_requests)
                        if backend.accepts:
                            backend.good.add(f"t{number}")
                    token = {"access_token": f"t{number}", "expires_in": 3600}
                    self._answer(backend.status, json.dumps(token).encode())
                else:
                    self._api(body)

            def do_GET(self) -> None:
                self._api(b"")

            def _api(self, body: bytes) -> None:
                shown = self.headers["Authorization"]
                with backend.lock:
                    backend.seen.append(shown)
                    good = shown is not None and shown.removeprefix("Bearer ") in backend.good
                self._answer(200 if good else 401, b"got " + body)

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Says nothing."""

        return Handler


@pytest.fixture(scope="module")
def backend_server() -> Iterator[Backend]:
    backend = Backend()
    thread = threading.Thread(target=backend.http.serve_forever)
    thread.start()
    yield backend
    backend.http.shutdown()
    thread.join()
    backend.http.server_close()


@pytest.fixture
def backend(backend_server: Backend) -> Backend:
    backend_server.reset()
    return backend_server


# Each has a token of its own, so that tests don't share one.
GRANTED = ("shared", "revoked-GET", "revoked-POST", "refused", "failing")


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def gateway(
    request: pytest.FixtureRequest,
    upstream_server: RawUpstream,
    backend_server: Backend,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    config = web_config(upstream_server, valkey.url, "auth:", fast_lane=request.param)
    grant = {
        "token_url": f"{backend_server.url}/token",
        "client_id": "gate",
        "client_secret": SECRET,
        "scope": "orders.read orders.write",
    }
    config["upstreams"] = {
        **{
            name: {"servers": [{"url": backend_server.url}], "auth": {"client_credentials": grant}}
            for name in GRANTED
        },
        "basic": {
            "servers": [{"url": upstream_server.url}],
            "auth": {"basic": {"user": "gate", "password": "pässword"}},
        },
        "header": {
            "servers": [{"url": upstream_server.url}],
            "auth": {"header": {"name": "X-Api-Key", "value": "k-123"}},
        },
    }
    config["routes"] = [
        {"path": f"/{name}", "upstream": name, "auth": "none"} for name in (*GRANTED, "basic", "header")
    ]
    folder: Path = tmp_path_factory.mktemp("auth")
    running = Running(config, folder)
    running.await_ready()
    yield running
    running.stop()
    assert SECRET not in running.output


async def test_the_upstream_gets_basic_credentials_in_place_of_the_clients(
    gateway: Running, upstream: RawUpstream
) -> None:
    client = await gateway.connect()
    for _ in range(2):
        assert (await client.ask(request("/basic/x", "Authorization: Bearer own"))).status == 200
    seen = await upstream.next(2)
    assert seen.first_line == "GET /x HTTP/1.1"
    expected = "Basic " + base64.b64encode("gate:pässword".encode()).decode()
    assert seen.all("Authorization") == [expected]
    posted = await client.ask(request("/basic/x", method="POST", body=b"hello"))
    assert posted.status == 200
    seen = await upstream.next(3)
    assert (seen.all("Authorization"), seen.body) == ([expected], b"hello")
    await client.close()


async def test_the_upstream_gets_a_header_that_clients_can_not_set(
    gateway: Running, upstream: RawUpstream
) -> None:
    client = await gateway.connect()
    assert (await client.ask(request("/header/x", "x-api-key: mine", "X_Api_Key: mine"))).status == 200
    seen = await upstream.next()
    assert seen.all("X-Api-Key") == ["k-123"]
    assert b"mine" not in seen.head
    await client.close()


async def test_one_token_serves_many_requests(gateway: Running, backend: Backend) -> None:
    clients = [await gateway.connect() for _ in range(10)]
    replies = await asyncio.gather(*(client.ask(request("/shared/x")) for client in clients))
    assert [reply.status for reply in replies] == [200] * 10
    basic = "Basic " + base64.b64encode(f"gate:{SECRET}".encode()).decode()
    form = {"grant_type": ["client_credentials"], "scope": ["orders.read orders.write"]}
    assert backend.token_requests == [(basic, form)]
    assert set(backend.seen) == {"Bearer t1"}
    for client in clients:
        await client.close()


@pytest.mark.parametrize("body", [b"", b"hello"])
async def test_a_token_that_the_upstream_refuses_is_fetched_anew_once(
    gateway: Running, backend: Backend, body: bytes
) -> None:
    client = await gateway.connect()
    method = "POST" if body else "GET"
    ask = request(f"/revoked-{method}/x", method=method, body=body)
    assert (await client.ask(ask)).status == 200
    backend.revoke_all()
    reply = await client.ask(ask)
    assert (reply.status, reply.content) == (200, b"got " + body)
    assert len(backend.token_requests) == 2
    assert backend.seen == ["Bearer t1", "Bearer t1", "Bearer t2"]
    await client.close()


async def test_a_401_of_an_upstream_that_refuses_every_token_is_passed_on(
    gateway: Running, backend: Backend
) -> None:
    backend.accepts = False
    client = await gateway.connect()
    for _ in range(3):
        assert (await client.ask(request("/refused/x"))).status == 401
    assert backend.seen[:2] == ["Bearer t1", "Bearer t2"]
    assert len(backend.token_requests) == 2, "no token is fetched for each request"
    await client.close()


async def test_a_token_server_that_fails_is_a_502_with_a_reason_in_the_log(
    gateway: Running, backend: Backend
) -> None:
    backend.status = 500
    client = await gateway.connect()
    for _ in range(3):
        reply = await client.ask(request("/failing/x"))
        assert (reply.status, problem(reply)["code"]) == (502, "101503")
    assert backend.seen == []
    assert len(backend.token_requests) < 3, "it is not asked for each request"
    await client.close()
    await gateway.line("answered 500; next attempt in 1 s")
