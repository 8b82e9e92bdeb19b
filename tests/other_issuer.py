"""An external token issuer in a thread: metadata, keys and introspection, with or without TLS."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from gateway.jose.signing_key import SigningKey
from tests.jose.tokens import KEY, jwt


@dataclass
class OtherIssuer:
    """The issuer's responses, set by the test."""

    url: str = ""
    keys: list[SigningKey] = field(default_factory=lambda: [KEY])
    opaque: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Introspection responses by opaque token."""
    pages: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Overridden responses by path."""
    down: bool = False
    requests: list[str] = field(default_factory=list)
    logins: list[str | None] = field(default_factory=list)

    def token(self, now: float, key: SigningKey = KEY, **changes: Any) -> str:
        """A JWT of the issuer, valid for ten minutes."""
        claims = {
            "iss": self.url,
            "aud": "https://api.example",
            "client_id": "shop",
            "sub": "ann",
            "scope": "orders.read",
            "iat": int(now),
            "exp": int(now) + 600,
        }
        return jwt({"typ": "at+jwt", "alg": key.algorithm, "kid": key.kid}, claims | changes, key)

    def answer(self, path: str, form: bytes) -> tuple[int, bytes]:
        if self.down:
            return 503, b""
        if path in self.pages:
            return self.pages[path]
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps({"issuer": self.url, "jwks_uri": self.url + "/keys"}).encode()
        if path == "/keys":
            return 200, json.dumps({"keys": [key.jwk for key in self.keys]}).encode()
        if path == "/introspect":
            token = parse_qs(form.decode())["token"][0]
            return 200, json.dumps(self.opaque.get(token, {"active": False})).encode()
        return 404, b""


@contextmanager
def other_issuer(tls: ssl.SSLContext | None = None) -> Iterator[OtherIssuer]:
    """Serves an issuer on a free port."""
    issuer = OtherIssuer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            form = self.rfile.read(length)
            issuer.requests.append(f"{self.command} {self.path}")
            issuer.logins.append(self.headers.get("Authorization"))
            status, body = issuer.answer(self.path, form)
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", body.decode())
                body = b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 (the base class calls it so)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Ignores clients that abort the TLS handshake."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    issuer.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
