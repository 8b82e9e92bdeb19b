"""The kinds of requests whose instructions are counted, and the Gatepost that answers all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import repeat
from pathlib import Path
from typing import Any

from benchmarks.gateposts import USUAL_PLUGINS
from benchmarks.peers.gatepost import ASKING, DEMO, FORM, Gatepost, basic, routes
from benchmarks.signed import AUDIENCE, CLIENT, ISSUER, Signer
from benchmarks.sockets import ANSWER, PAYLOAD, masked_frame

Request = tuple[bytes, ...]
"""What is sent at once; each further piece once the gateway has said 100 (Continue), or as a `Segment`."""
_PAGE = "Origin: https://app.example.org"
_BODY = "x" * 1000
_SIGNER = Signer()
_JWT_CLIENT = "signed"
_FORM_TYPE = FORM[0]


class Segment(bytes):
    """A piece that is sent soon behind the one before, without a word of the gateway's."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A response that goes on, or a tunnel."""

    path: str
    headers: tuple[str, ...]
    answer: bytes
    """What comes for each of its parts."""

    def opening(self, gatepost: Gatepost) -> bytes:
        """The request that opens it."""
        return _rendered("GET", self.path, f"Authorization: Bearer {gatepost.token()}", *self.headers)


class Connecting(Enum):
    """How a client comes to a new connection."""

    PLAIN = "plain"
    TLS = "by a full TLS 1.3 handshake"
    RESUMED = "by one that takes up the session of the connection before"


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request."""

    name: str
    requests: Callable[[Gatepost, int], Iterator[Request]]
    """As many of them as asked for, each made when it is to be sent: what is signed is good for a minute."""
    stream: Stream | None = None
    """What carries them, where they are parts of one stream; None: each is a request of its own."""
    connecting: Connecting | None = None
    """How each gets a connection of its own; None: all are sent over the same."""


def config(folder: Path) -> dict[str, Any]:
    """What a Gatepost needs for all cases beyond what it has anyway."""
    keys = folder / "issuer.jwks.json"
    keys.write_text(json.dumps({"keys": [_SIGNER.public]}))
    hook = {"use": "async_hook:AsyncHook"}
    return {
        "clients": [
            DEMO,
            {"id": CLIENT, "jwks": {"keys": [_SIGNER.public]}, "scopes": DEMO["scopes"]},
            {**DEMO, "id": _JWT_CLIENT, "format": "jwt"},
        ],
        "issuers": {"partner": {"issuer": ISSUER, "jwks_file": str(keys), "audiences": [AUDIENCE]}},
        "routes": [
            *routes("/"),
            *routes("/hook", plugins=[hook]),
            *routes("/foreign", issuers=["partner"]),
            # `request_id` is there on all routes.
            *routes("/usual", plugins=USUAL_PLUGINS[1:]),
            *routes("/trace", plugins=[{"use": "trace"}]),
        ],
    }


def _rendered(method: str, path: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", body]).encode()


Make = Callable[[Gatepost, int], Iterator[Request]]


def _same(method: str, path: str, *headers: str, body: str = "", then: str = "") -> Make:
    """The same request with the same token each time. `then`: what is sent after 100 (Continue)."""

    def make(gatepost: Gatepost, number: int) -> Iterator[Request]:
        head = _rendered(method, path, f"Authorization: Bearer {gatepost.token()}", *headers, body=body)
        return repeat((head, then.encode()) if then else (head,), number)

    return make


def _parts(part: bytes) -> Make:
    """The same part of a stream each time; empty: the upstream sends it unasked."""
    return lambda _, number: repeat((part,), number)


def _in_segments(path: str, *sizes: int) -> Make:
    """A head, and a body in pieces of these sizes."""

    def make(gatepost: Gatepost, number: int) -> Iterator[Request]:
        bearer = f"Authorization: Bearer {gatepost.token()}"
        head = _rendered("POST", path, bearer, f"Content-Length: {sum(sizes)}")
        return repeat((head, *(Segment(b"x" * size) for size in sizes)), number)

    return make


def _token_request(form: str, *headers: str) -> Request:
    return (_rendered("POST", "/token", *headers, f"Content-Length: {len(form)}", body=form),)


def _form(form: str, *headers: str) -> Make:
    """The same request to the token endpoint."""
    return lambda _, number: repeat(_token_request(form, *(headers or FORM)), number)


def _assertions(gatepost: Gatepost, number: int) -> Iterator[Request]:
    for _ in range(number):
        form = _SIGNER.assertion_form(f"http://127.0.0.1:{gatepost.port}") + NEW_EACH
        yield _token_request(form, _FORM_TYPE)


def _bound(gatepost: Gatepost, number: int) -> Iterator[Request]:
    for _ in range(number):
        proof = _SIGNER.proof("POST", f"http://127.0.0.1:{gatepost.port}/token")
        yield _token_request(ASKING + NEW_EACH, *FORM, f"DPoP: {proof}")


def _tokens_not_seen(gatepost: Gatepost, number: int) -> Iterator[Request]:
    # All of them beforehand: to issue them is not to be counted.
    tokens = [gatepost.token("&validity_period=3600") for _ in range(number)]
    return ((_rendered("GET", "/120", f"Authorization: Bearer {token}"),) for token in tokens)


def _jwts_not_seen(_: Gatepost, number: int) -> Iterator[Request]:
    for _each in range(number):
        yield (_rendered("GET", "/foreign/120", f"Authorization: Bearer {_SIGNER.access_token()}"),)


def _jwt_again(gatepost: Gatepost, number: int) -> Iterator[Request]:
    return repeat(next(_jwts_not_seen(gatepost, 1)), number)


def _proofs(gatepost: Gatepost, number: int) -> Iterator[Request]:
    at = f"http://127.0.0.1:{gatepost.port}"
    token = gatepost.token("&validity_period=3600", DPoP=_SIGNER.proof("POST", f"{at}/token"))

    def request() -> Request:
        proof = f"DPoP: {_SIGNER.proof('GET', f'{at}/120', token)}"
        return (_rendered("GET", "/120", f"Authorization: DPoP {token}", proof),)

    return (request() for _ in range(number))


EVENT = b"d\r\ndata: hello\n\n\r\n"
"""An event of the upstream's, in its chunk."""
_EVENTS = Stream("/events/100000", ("Accept: text/event-stream",), b"data: hello\n\n")
_SOCKET = Stream("/socket/0", ("Upgrade: websocket", "Connection: Upgrade"), ANSWER)
PLAIN = Case("GET, token checked, 120 B", _same("GET", "/120"))
UNSEEN = Case("GET, token not seen before", _tokens_not_seen)
USUAL = Case("GET, all usual plugins", _same("GET", "/usual/120", _PAGE))
_LAST = _same("GET", "/120", "Connection: close")
CONNECTING = Case("GET, a new connection", _LAST, connecting=Connecting.PLAIN)
REUSED_TOKEN = Case("POST /token, reused", _form(ASKING))
NEW_EACH = "&validity_period=600"
NEW_TOKEN = Case("POST /token, new", _form(ASKING + NEW_EACH))
CASES = (
    PLAIN,
    Case("GET, token checked, 1 KiB", _same("GET", "/1024")),
    UNSEEN,
    USUAL,
    Case("GET, trace", _same("GET", "/trace/120")),
    Case("GET, a hook that waits", _same("GET", "/hook/120")),
    Case("GET, 1 MiB", _same("GET", "/1048576")),
    Case("GET, chunked", _same("GET", "/chunked/120")),
    Case("GET, the body behind the head", _same("GET", "/behind/120")),
    Case("GET, three events as they come", _same("GET", "/events/3", "Accept: text/event-stream")),
    Case("an event of a stream", _parts(b""), _EVENTS),
    Case("WebSocket, a message and its echo", _parts(masked_frame(PAYLOAD, b"mask")), _SOCKET),
    Case("POST, 1,000 B", _same("POST", "/120", "Content-Length: 1000", body=_BODY)),
    Case(
        "POST, 1,000 B, chunked",
        _same("POST", "/120", "Transfer-Encoding: chunked", body=f"3e8\r\n{_BODY}\r\n0\r\n\r\n"),
    ),
    Case("POST, 1,000 B behind its head", _in_segments("/120", 1000)),
    Case("POST, 20,000 B in five segments", _in_segments("/120", *[4000] * 5)),
    Case(
        "POST, 1,000 B, Expect: 100-continue",
        _same("POST", "/120", "Content-Length: 1000", "Expect: 100-continue", then=_BODY),
    ),
    Case("GET, DPoP", _proofs),
    Case("GET, another issuer's JWT, not seen before", _jwts_not_seen),
    Case("GET, another issuer's JWT, seen before", _jwt_again),
    REUSED_TOKEN,
    NEW_TOKEN,
    Case("POST /token, private_key_jwt", _assertions),
    Case("POST /token, a JWT", _form(ASKING + NEW_EACH, _FORM_TYPE, basic(_JWT_CLIENT))),
    Case("POST /token, DPoP", _bound),
    CONNECTING,
    Case("GET, a new TLS connection", _LAST, connecting=Connecting.TLS),
    Case("GET, a new TLS connection, resumed", _LAST, connecting=Connecting.RESUMED),
)
