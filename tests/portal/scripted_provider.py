"""An OpenID provider that signs in whom a test names, at once, with the ID token that the test wants."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

from gateway.jose.signing_key import SigningKey
from tests.jose.tokens import KEY, jwt

CLIENT, SECRET = "gatepost", "a s3cret: of the provider"


@dataclass
class ScriptedProvider:
    """What it answers is set by the test. Codes work once, with the verifier of their challenge."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    """Of whoever signs in next."""
    header: dict[str, Any] = field(default_factory=dict)
    key: SigningKey | None = KEY
    """What ID tokens are signed with."""
    answer: dict[str, str] = field(default_factory=dict)
    """Parameters that are changed on the way back; empty ones are left out."""
    asks: bool = False
    """Whether the person has to go on by a link."""
    logout: bool = True
    down: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    """The last authorization request."""

    def reset(self, subject: str, **claims: Any) -> None:
        """Somebody else signs in, and nothing is wrong."""
        self.claims = {"sub": subject, **claims}
        self.header, self.key, self.answer = {}, KEY, {}
        self.logout, self.down = True, False

    def respond(self, method: str, path: str, form: str, login: str) -> tuple[int, str]:
        """The status, and the body or where it sends to."""
        parts = urlsplit(path)
        if self.down:
            return 503, ""
        if (method, parts.path) == ("POST", "/token"):
            return self._exchanged(dict(parse_qsl(form)), login)
        if parts.path == "/authorize":
            place = self._authorized(dict(parse_qsl(parts.query)))
            return (200, f'<a href="{escape(place)}">Go on</a>') if self.asks else (302, place)
        if parts.path == "/logout":
            return 302, parse_qs(parts.query)["post_logout_redirect_uri"][0]
        documents = {
            "/.well-known/openid-configuration": self._metadata(),
            "/keys": {"keys": [KEY.jwk]},
        }
        found = documents.get(parts.path)
        return (404, "") if found is None else (200, json.dumps(found))

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "authorization_response_iss_parameter_supported": True,
            **({"end_session_endpoint": f"{self.url}/logout"} if self.logout else {}),
        }

    def _authorized(self, asked: dict[str, str]) -> str:
        self.asked, code = asked, secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.url} | self.answer
        return f"{asked['redirect_uri']}?{urlencode({name: one for name, one in back.items() if one})}"

    def _exchanged(self, form: dict[str, str], login: str) -> tuple[int, str]:
        client, _, secret = base64.b64decode(login.removeprefix("Basic ")).decode().partition(":")
        if (unquote_plus(client), unquote_plus(secret)) != (CLIENT, SECRET):
            return 401, json.dumps({"error": "invalid_client"})
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or (asked["code_challenge_method"], asked["code_challenge"]) != ("S256", challenge)
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return 400, json.dumps({"error": "invalid_grant"})
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
            **self.claims,
        }
        header = {"alg": KEY.algorithm, "kid": KEY.kid, **self.header}
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt(header, claims, self.key, None if self.key else b"")
        return 200, json.dumps({"access_token": "x", "token_type": "Bearer", "id_token": token})


@contextmanager
def scripted_provider() -> Iterator[ScriptedProvider]:
    """Serves a provider on a free port."""
    provider = ScriptedProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            login = self.headers.get("Authorization", "")
            status, text = provider.respond(self.command, self.path, form, login)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", text)
                text = ""
            self.send_header("Content-Type", "text/html" if text.startswith("<") else "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET  # noqa: N815 (the base class calls it so)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
