"""What is refused while the event loop is late, and what never is. With real load: e2e/test_overload.py."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from gateway.clock import system_clock
from gateway.http.endpoints import GatewayPaths
from gateway.http.exchange import NOBODY, Peer
from gateway.http.forwarded import direct_peer, trust
from gateway.http.limit_names import LOOP_DELAY
from gateway.http.problems import OVERLOADED
from gateway.server.loop_delay import LoopOverload
from gateway.telemetry import Telemetry
from gateway.telemetry.access_entry import DetailedEntry, Entry
from gateway.telemetry.refusals import RefusalBuffer
from gateway.web.detailed_recorder import DetailedRecorder
from gateway.web.overload_guard import OverloadGuard
from gateway.web.refusal_recorder import RefusalRecorder
from tests.web_gateway import request

PROXY = "192.0.2.1"


class Client:
    """A client connection that keeps what it is given."""

    peer: Peer = NOBODY

    def __init__(self, *, closing: bool = False) -> None:
        self.closing = closing
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data

    def close_after(self) -> None:
        self.closing = True

    def abort(self) -> None:
        raise AssertionError("not asked for")

    reset = abort

    def request_finished(self, *, keep: bool) -> None:
        raise AssertionError("no request has begun")


class Refusing:
    """A guard whose loop is late, and what it has noted."""

    def __init__(self, *, late: bool = True, fields: Sequence[str] = ()) -> None:
        self.reached: list[tuple[str, str]] = []
        self.lines: list[Entry | DetailedEntry] = []
        self.buffer = RefusalBuffer()
        self.telemetry = Telemetry()
        rule = LoopOverload(0.1)
        for _ in range(3):
            rule.observe(1.0 if late else 0.0, 1.0)
        rule.refuses(0.0)  # the first request of the turn, which is always taken
        refusals = RefusalRecorder(
            self.buffer,
            lambda *_: None,
            lambda *_: "",
            system_clock,
            "hash",
            lambda *seen: self.reached.append(seen),
        )
        recorder = DetailedRecorder(self.telemetry, self.lines.append, None, fields)
        paths = GatewayPaths("https://gateway.example/auth")
        self.guard = OverloadGuard(
            rule, lambda: 1.0, trust([PROXY]), paths, recorder, refusals, lambda: "the-id", lambda: 0.0
        )

    def refused(self, data: bytes) -> Client | None:
        client = Client()
        if self.guard.try_refuse(data, client):
            return client
        assert client.sent == b""
        return None


REFUSED = [
    request("/orders/7?secret=x"),
    request("/tokens"),
    request("/orders", method="POST", body=b"hello"),
    request("/orders", "Authorization: Bearer x", method="DELETE"),
]
ANSWERED = {
    "token": request("/token", method="POST", body=b"a=b"),
    "token with a query": request("/token?x=1", method="POST", body=b"a=b"),
    "token below the public path": request("/auth/token", method="POST", body=b"a=b"),
    "keys": request("/jwks"),
    "metadata": request("/.well-known/oauth-authorization-server"),
    "portal": request("/portal/apis"),
    "forward authentication": request("/auth/verify/orders"),
    "head": request("/orders", method="HEAD"),
    "part of a head": request("/orders")[:-2],
    "part of a body": request("/orders", method="POST", body=b"hello")[:-1],
    "two requests": request("/orders") + request("/orders"),
    "a request behind a body": request("/orders", method="POST", body=b"hello") + b"GET / HTTP/1.1\r\n\r\n",
    "chunked": request("/orders", "Transfer-Encoding: chunked", method="POST") + b"0\r\n\r\n",
    "two lengths": request("/orders", "Content-Length: 5", method="POST", body=b"hello"),
    "a length that is none": request("/orders", "Content-Length: +5", method="POST") + b"hello",
    "an upgrade": request("/socket", "Connection: Upgrade", "Upgrade: websocket"),
    "HTTP/1.0": request("/orders").replace(b"HTTP/1.1", b"HTTP/1.0"),
    "absolute form": request("http://other.example/orders"),
    "no request": b"\x16\x03\x01\r\n\r\n",
}


@pytest.mark.parametrize("data", REFUSED)
def test_a_whole_request_is_refused_and_the_connection_kept(data: bytes) -> None:
    refusing = Refusing()
    client = refusing.refused(data)
    assert client is not None
    head, _, body = client.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nRetry-After: 1" in head
    assert b"\r\nContent-Length: %d" % len(body) in head
    assert b"connection:" not in head.lower()
    document = json.loads(body)
    assert (document["status"], document["code"], document["request_id"]) == (503, "503", "the-id")
    assert not client.closing


@pytest.mark.parametrize("data", ANSWERED.values(), ids=ANSWERED)
def test_own_endpoints_and_what_is_not_whole_are_answered(data: bytes) -> None:
    assert Refusing().refused(data) is None


def test_nothing_is_refused_while_the_loop_is_fast() -> None:
    calm = Refusing(late=False)
    assert not calm.guard.rule.refusing
    assert calm.refused(request("/orders")) is None


@pytest.mark.parametrize(
    "header", ["Connection: close", "Connection:close", "connection: TE, Close", "Connection: close, TE"]
)
def test_who_wants_to_close_is_told_so_and_a_last_response_is_left_to_others(header: str) -> None:
    client = Refusing().refused(request("/orders", header))
    assert client is not None
    assert client.closing
    assert b"\r\nConnection: close\r\n" in client.sent
    assert not Refusing().guard.try_refuse(request("/orders"), Client(closing=True))


def test_a_refusal_is_counted_logged_and_known_to_why() -> None:
    refusing = Refusing()
    refusing.refused(request("/orders/7?secret=x"))
    assert refusing.reached == [(LOOP_DELAY, NOBODY.address)]
    (refusal,) = refusing.buffer.take()
    assert (refusal.method, refusal.path, refusal.status) == ("GET", "/orders/7", 503)
    assert "max_event_loop_delay" in refusal.reason
    (line,) = refusing.lines
    assert "secret" not in str(line)
    assert refusing.telemetry.snapshot().counts["requests"] == {("-", "GET", 503): 1}


@pytest.mark.parametrize(
    ("peer", "address"), [(PROXY, "203.0.113.7"), ("198.51.100.1", "198.51.100.1")], ids=["proxy", "stranger"]
)
def test_a_refusal_is_noted_with_the_address_of_the_client_behind_a_trusted_proxy(
    peer: str, address: str
) -> None:
    refusing = Refusing()
    client = Client()
    client.peer = direct_peer(peer, "http")
    assert refusing.guard.try_refuse(request("/orders", "X-Forwarded-For: 203.0.113.7"), client)
    assert refusing.reached == [(LOOP_DELAY, address)]
    (line,) = refusing.lines
    assert isinstance(line, DetailedEntry)
    assert line.entry[0] == address


def test_a_line_with_further_fields_has_the_code_of_the_refusal() -> None:
    refusing = Refusing(fields=["error"])
    refusing.refused(request("/orders/7"))
    (line,) = refusing.lines
    assert isinstance(line, DetailedEntry)
    assert line.details == (("error", OVERLOADED.code),)
