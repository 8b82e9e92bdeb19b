"""Calls of gRPC by grpcio's client and server through the real Envoy, which asks a gateway about each.

Once it is one with what `gatepost export envoy` says, once the gateway's own: its edge.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import struct
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml

from tests.conftest import Valkey
from tests.e2e.conftest import configuration
from tests.e2e.exported_envoy import Envoy, exported
from tests.raw import LIMIT
from tests.running import START_LIMIT, Running

HOST = "127.0.0.1"
LISTENER = {"host": HOST, "port": 0}
PAGE = "https://app.example.org"
CORS = {
    "use": "cors",
    "with": {
        "origins": [PAGE],
        "methods": ["POST"],
        "headers": ["Authorization", "Content-Type", "X-Grpc-Web"],
        "expose": ["Grpc-Status", "Grpc-Message"],
    },
}
LIMITED = {"use": "rate_limit", "with": {"limit": 2, "per": "1h", "by": "address"}}
GET, LIST, PUT, CHAT = "/shop.Orders/Get", "/shop.Orders/List", "/shop.Orders/Put", "/shop.Orders/Chat"
SLOW, ADMIN = "/shop.Orders/Slow", "/shop.Admin/Delete"


class Orders(grpc.GenericRpcHandler):
    """A server with a method of each kind. Messages are bytes."""

    def __init__(self) -> None:
        self.metadata: list[dict[str, str]] = []
        self.healthy = True
        self.checks = 0
        self.go_on = threading.Event()

    def service(self, details: Any) -> Any:
        self.metadata.append(dict(details.invocation_metadata))
        return {
            GET: grpc.unary_unary_rpc_method_handler(self.get),
            ADMIN: grpc.unary_unary_rpc_method_handler(self.get),
            "/limited.Service/Get": grpc.unary_unary_rpc_method_handler(self.get),
            SLOW: grpc.unary_unary_rpc_method_handler(self.slow),
            LIST: grpc.unary_stream_rpc_method_handler(self.list),
            PUT: grpc.stream_unary_rpc_method_handler(self.put),
            CHAT: grpc.stream_stream_rpc_method_handler(self.chat),
            "/grpc.health.v1.Health/Check": grpc.unary_unary_rpc_method_handler(self.health),
        }.get(details.method)

    def get(self, message: bytes, context: Any) -> bytes:
        context.send_initial_metadata((("x-begin", "1"),))
        context.set_trailing_metadata((("x-end", "2"), ("x-end-bin", b"\0\xff")))
        if message == b"missing":
            context.abort(grpc.StatusCode.NOT_FOUND, "no such order: é")
        return b"got " + message

    def slow(self, message: bytes, _context: Any) -> bytes:
        self.go_on.wait(LIMIT)
        return message

    def list(self, message: bytes, context: Any) -> Iterator[bytes]:
        yield from (message + str(number).encode() for number in range(3))
        context.set_trailing_metadata((("x-end", "list"),))

    def put(self, messages: Iterator[bytes], _context: Any) -> bytes:
        return b",".join(messages)

    def chat(self, messages: Iterator[bytes], _context: Any) -> Iterator[bytes]:
        for message in messages:
            yield message.upper()

    def health(self, _message: bytes, _context: Any) -> bytes:
        self.checks += 1
        return b"\x08\x01" if self.healthy else b"\x08\x02"


@dataclass(frozen=True)
class Shop:
    """Envoy between callers and a server, beside the gateway."""

    port: int
    gateway: Running
    server: Orders
    token: str

    @property
    def bearer(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),)


def config(server: int, store: dict[str, str]) -> dict[str, Any]:
    return configuration(
        "http://127.0.0.1:1",
        server={"trusted_proxies": [HOST]},
        store=store,
        tokens={"key": "k" * 32},
        clients=[{"id": "shop", "secrets": ["shop-secret"], "scopes": ["orders.read"]}],
        upstreams={
            "shop": {
                "protocol": "grpc",
                "servers": [{"url": f"http://{HOST}:{server}"}],
                "timeouts": {"deadline": "2s"},
                "health": {"interval": "100ms", "unhealthy_after": 1},
            }
        },
        routes=[
            {"path": "/shop.Orders", "upstream": "shop", "scopes": ["orders.read"], "plugins": [CORS]},
            {"path": "/shop.Admin", "upstream": "shop", "scopes": ["admin"]},
            {"path": "/limited.Service", "upstream": "shop", "auth": "none", "plugins": [LIMITED]},
        ],
        plugins=[{"use": "request_id"}],
    )


def token_of(gateway: Running) -> str:
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    form |= {"client_id": "shop", "client_secret": "shop-secret"}
    sent = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(f"{gateway.http}/token", sent, timeout=LIMIT) as answer:  # noqa: S310
        return str(json.load(answer)["access_token"])


@pytest.fixture(scope="module", params=["exported", "edge"])
def shop(
    request: pytest.FixtureRequest, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    folder, orders = tmp_path_factory.mktemp("grpc"), Orders()
    with valkey.client as client:
        client.delete(*client.keys("grpc:*") or ["grpc:none"])
    server = grpc.server(ThreadPoolExecutor(8), handlers=(orders,))
    found = config(server.add_insecure_port(f"{HOST}:0"), {"url": valkey.url, "prefix": "grpc:"})
    if request.param == "edge":
        found["server"] = {"listen": [LISTENER, LISTENER | {"http": [1, 2]}]}
    server.start()
    running = Running(found, folder)
    running.await_ready()
    with ExitStack() as envoys:
        if request.param == "edge":
            port = int(running.addresses("http")[1].rpartition(":")[2])
        else:
            envoy = Envoy(_exported(found, running, folder), folder)
            envoys.callback(envoy.stop)
            (port,) = envoy.await_ports(1)
        yield Shop(port, running, orders, token_of(running))
        orders.go_on.set()
    running.stop()
    server.stop(None).wait(LIMIT)


def _exported(found: dict[str, Any], running: Running, folder: Path) -> Path:
    file = folder / "edge.yaml"
    file.write_text(yaml.safe_dump(found))
    return exported(file, "--gateway", running.http)


@pytest.fixture(scope="module")
def channel(shop: Shop) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"{HOST}:{shop.port}") as made:
        await_serving(shop, made)
        yield made


def await_serving(shop: Shop, channel: grpc.Channel) -> None:
    """Waits until Envoy has found the server well."""
    deadline = time.monotonic() + START_LIMIT
    while True:
        error = failure(channel, GET, shop.bearer)
        if error is None:
            return
        assert time.monotonic() < deadline, f"{error}\n{shop.gateway.output}"
        time.sleep(0.05)


def failure(channel: grpc.Channel, method: str, metadata: Any = (), **rest: Any) -> Any:
    """What a call fails with; None: it does not."""
    try:
        channel.unary_unary(method)(b"7", metadata=metadata, timeout=rest.pop("timeout", LIMIT), **rest)
    except grpc.RpcError as error:
        return error
    return None


def test_a_call_has_its_answer_with_metadata_and_trailers(shop: Shop, channel: grpc.Channel) -> None:
    metadata = (*shop.bearer, ("x-own", "1"), ("x-client-id", "root"))
    answer, call = channel.unary_unary(GET).with_call(b"7", metadata=metadata, timeout=LIMIT)
    assert answer == b"got 7"
    assert dict(call.initial_metadata())["x-begin"] == "1"
    trailers = dict(call.trailing_metadata())
    assert (trailers["x-end"], trailers["x-end-bin"]) == ("2", b"\0\xff")
    seen = next(one for one in calls(shop) if "x-own" in one)
    assert (seen["x-client-id"], seen["x-own"]) == ("shop", "1")
    assert seen["x-authenticated-scope"] == "am_application_scope orders.read"
    assert len(seen["x-request-id"]) == 32
    assert "authorization" not in seen


def test_calls_may_stream_either_way_and_both(shop: Shop, channel: grpc.Channel) -> None:
    bearer: dict[str, Any] = {"metadata": shop.bearer, "timeout": LIMIT}
    assert list(channel.unary_stream(LIST)(b"a", **bearer)) == [b"a0", b"a1", b"a2"]
    assert channel.stream_unary(PUT)(iter([b"a", b"b"]), **bearer) == b"a,b"
    said = threading.Event()

    def messages() -> Iterator[bytes]:
        yield b"one"
        assert said.wait(LIMIT)
        yield b"two"

    answers = channel.stream_stream(CHAT)(messages(), **bearer)
    assert next(answers) == b"ONE", "an answer comes while the call goes on"
    said.set()
    assert list(answers) == [b"TWO"]


def test_the_servers_own_status_reaches_the_caller(shop: Shop, channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary(GET)(b"missing", metadata=shop.bearer, timeout=LIMIT)
    assert error.value.code() is grpc.StatusCode.NOT_FOUND
    assert error.value.details() == "no such order: é"
    assert dict(error.value.trailing_metadata())["x-end"] == "2"


@pytest.mark.parametrize(
    ("method", "token", "status", "details"),
    [
        (GET, None, grpc.StatusCode.UNAUTHENTICATED, "This route needs an access token."),
        (GET, "gpt_" + "A" * 65, grpc.StatusCode.UNAUTHENTICATED, "The access token is not valid."),
        (
            ADMIN,
            "",
            grpc.StatusCode.PERMISSION_DENIED,
            "The access token lacks a scope that this route needs.",
        ),
        ("/shop.Other/Get", "", grpc.StatusCode.UNIMPLEMENTED, "No route leads there."),
        ("/SHOP.orders/Get", "", grpc.StatusCode.INVALID_ARGUMENT, None),
    ],
)
def test_a_refusal_is_a_status_of_grpc(
    shop: Shop, channel: grpc.Channel, method: str, token: str | None, status: Any, details: str | None
) -> None:
    before = len(calls(shop))
    metadata = () if token is None else (("authorization", f"Bearer {token or shop.token}"),)
    error = failure(channel, method, metadata)
    assert (error.code(), details or error.details()) == (status, error.details())
    assert ("www-authenticate" in dict(error.initial_metadata() or error.trailing_metadata())) is (
        status in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
    )
    assert len(calls(shop)) == before


def calls(shop: Shop) -> list[dict[str, str]]:
    """What the server has seen of callers, without Envoy's health checks."""
    return [one for one in shop.server.metadata[:] if "x-request-id" in one]


def test_a_limit_is_a_status_of_grpc(channel: grpc.Channel) -> None:
    errors = [failure(channel, "/limited.Service/Get") for _ in range(3)]
    assert errors[:2] == [None, None]
    assert errors[2].code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "retry-after" in dict(errors[2].initial_metadata() or errors[2].trailing_metadata())


def test_a_call_may_take_no_longer_than_its_deadline_and_the_upstreams(
    shop: Shop, channel: grpc.Channel
) -> None:
    """The caller's own watch would end the first as well: what it asks for in the header is 5 ms."""
    metadata = (*shop.bearer, ("grpc-timeout", "5m"))
    assert failure(channel, SLOW, metadata, timeout=None).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    begun = time.monotonic()
    assert failure(channel, SLOW, shop.bearer, timeout=3600).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - begun >= 1.9


def test_a_server_that_is_not_well_gets_no_calls(shop: Shop, channel: grpc.Channel) -> None:
    assert shop.server.checks
    shop.server.healthy = False
    try:
        deadline = time.monotonic() + START_LIMIT
        while (error := failure(channel, GET, shop.bearer)) is None:
            assert time.monotonic() < deadline, "it still gets calls"
        assert error.code() is grpc.StatusCode.UNAVAILABLE
    finally:
        shop.server.healthy = True
        await_serving(shop, channel)


def test_without_envoy_a_call_leads_nowhere(shop: Shop) -> None:
    asked = urllib.request.Request(f"{shop.gateway.http}{GET}", b"\0\0\0\0\0", method="POST")  # noqa: S310
    asked.add_header("Content-Type", "application/grpc")
    asked.add_header("Authorization", f"Bearer {shop.token}")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(asked, timeout=LIMIT)  # noqa: S310
    assert error.value.code == 404
    error.value.close()


# gRPC-Web, as browsers speak it.


def web_call(shop: Shop, path: str, message: bytes, *headers: tuple[str, str], text: bool = False) -> Any:
    """The response to a call of gRPC-Web, and its body."""
    connection = http.client.HTTPConnection(HOST, shop.port, timeout=LIMIT)
    body = b"\0" + struct.pack(">I", len(message)) + message
    kind = "application/grpc-web-text" if text else "application/grpc-web+proto"
    sent = {
        "Content-Type": kind,
        "Accept": kind,
        "Origin": PAGE,
        "X-Grpc-Web": "1",
        "Host": "api.example.org",
        **dict(headers),
    }
    connection.request("POST", path, base64.b64encode(body) if text else body, sent)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if text:
        # Each piece is encoded by itself, and may have its own padding.
        content = b"".join(base64.b64decode(piece) for piece in re.findall(b"[^=]+=*", content))
    return answer, content


def frames(content: bytes) -> Iterator[tuple[int, bytes]]:
    while content:
        size = 5 + int.from_bytes(content[1:5], "big")
        yield content[0], content[5:size]
        content = content[size:]


@pytest.mark.parametrize("text", [False, True])
def test_a_page_calls_by_grpc_web(shop: Shop, channel: grpc.Channel, text: bool) -> None:
    answer, content = web_call(shop, LIST, b"a", ("Authorization", f"Bearer {shop.token}"), text=text)
    assert (answer.status, answer.getheader("Access-Control-Allow-Origin")) == (200, PAGE)
    assert "Grpc-Status" in (answer.getheader("Access-Control-Expose-Headers") or "")
    *data, (kind, trailers) = frames(content)
    assert data == [(0, b"a0"), (0, b"a1"), (0, b"a2")]
    assert kind == 0x80
    assert b"grpc-status:0" in trailers
    assert b"x-end:list" in trailers


def test_a_page_reads_why_its_call_is_refused(shop: Shop, channel: grpc.Channel) -> None:
    answer, _ = web_call(shop, LIST, b"a")
    assert (answer.getheader("grpc-status"), answer.getheader("Access-Control-Allow-Origin")) == ("16", PAGE)
    assert answer.getheader("grpc-message") == "This route needs an access token."


def test_a_preflight_needs_no_token(shop: Shop, channel: grpc.Channel) -> None:
    connection = http.client.HTTPConnection(HOST, shop.port, timeout=LIMIT)
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Host": "api.example.org"}
    asked["Access-Control-Request-Headers"] = "authorization,content-type,x-grpc-web"
    connection.request("OPTIONS", LIST, headers=asked)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert (answer.status, answer.getheader("Access-Control-Allow-Origin")) == (204, PAGE)
    assert "X-Grpc-Web" in (answer.getheader("Access-Control-Allow-Headers") or "")
