"""Asks a gateway as clients do, and says what the tests' gateway is configured with."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from argon2 import PasswordHasher

from tests.raw import RawMessage, answer
from tests.running import Running

ISSUER = "https://auth.example.test"
API = "https://api.example.test/orders"
BENS_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("ben-password")
ODD_ID, ODD_SECRET = "a b:c%41+/=&", "ä:b c%2B+&="
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Reply:
    """An answer of the gateway."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def error(self) -> str:
        return str(self.json["error"])


def basic(client: str, secret: str) -> dict[str, str]:
    """The header of a client; ids and secrets here need no form-encoding."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


@dataclass(frozen=True)
class Caller:
    """Asks a running gateway."""

    running: Running

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """One request over a connection of its own."""
        connection = http.client.HTTPConnection(urlsplit(self.running.http).netloc, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str, token: str | None = None) -> Reply:
        return self.ask("GET", path, headers={} if token is None else {"Authorization": f"Bearer {token}"})

    def post(self, path: str, *, by: str = "shop", **form: str) -> Reply:
        """A client's form. Its secret is its name and `-secret`."""
        headers = {"Content-Type": FORM, **basic(by, f"{by}-secret")}
        return self.ask("POST", path, urlencode(form).encode(), headers)

    def token(self, *, by: str = "shop", **form: str) -> str:
        """A token of client credentials; one of its own for each test that names a validity_period."""
        reply = self.post("/token", by=by, grant_type="client_credentials", **form)
        assert reply.status == 200, reply.body
        return str(reply.json["access_token"])

    def log_in(self, *, by: str = "app", user: str = "ada", **form: str) -> dict[str, Any]:
        """What a client gets for its user's name and password."""
        form = {"grant_type": "password", "username": user, "password": f"{user}-password", **form}
        reply = self.post("/token", by=by, **form)
        assert reply.status == 200, reply.body
        return reply.json

    def refresh(self, token: str, *, by: str = "app", **form: str) -> Reply:
        """Asks for the tokens that follow a refresh token."""
        return self.post("/token", by=by, grant_type="refresh_token", refresh_token=token, **form)

    def accepts(self, token: str) -> bool:
        """Whether the token opens a route that needs no scope."""
        status = self.get("/any", token).status
        assert status in (200, 401), status
        return status == 200

    def until_refused(self, tokens: Sequence[str], within: float = 20.0) -> None:
        """Waits until the gateway has heard that these are dead."""
        end = time.monotonic() + within
        while any(self.accepts(token) for token in tokens):
            assert time.monotonic() < end, "a token that has ended is still accepted"


def standard_config(folder: Path, upstream: str, **changes: Any) -> dict[str, Any]:
    """Everything that the standards speak of, switched on."""
    return {
        "server": {
            "listen": [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": "auto"}],
            "public_url": ISSUER,
            "state_dir": str(folder / "state"),
        },
        "management": False,
        "logging": {"format": "text", "access": False},
        "clients": [
            client("shop", scopes=["orders.read", "orders.write"], audiences=[API]),
            client("app", scopes=["orders.read", "orders.write"], grants=["password", "refresh_token"]),
            client("app2", grants=["password", "refresh_token"]),
            client("kiosk", scopes=["orders.read"], grants=["password"]),
            client("other", scopes=["orders.read"]),
            client("api", audiences=[API]),
            client("monitor", introspect=True),
            client("inspector", scopes=["introspect"]),
            client("garbage", grants=["client_credentials", "password", "refresh_token"]),
            {"id": ODD_ID, "secrets": [ODD_SECRET]},
            {
                "id": "dated",
                "secrets": [
                    "dated-secret",
                    {"secret": "coming-secret", "name": "coming", "expires": "2999-12-31"},
                    {"secret": "ended-secret", "name": "ended", "expires": "2000-01-01T00:00:00Z"},
                ],
            },
        ],
        "grants": {"password": {"enabled": True}, "refresh_token": {"enabled": True, "lifetime": "1h"}},
        "scopes": {"allowed": ["device_*"]},
        "portal": {
            "users": [{"name": "Ada", "password": "ada-password"}, {"name": "ben", "password": BENS_HASH}]
        },
        "routes": [
            {"path": "/any", "upstream": upstream},
            {"path": "/orders", "upstream": upstream, "methods": ["GET"], "scopes": ["orders.read"]},
            {"path": "/orders", "upstream": upstream, "methods": ["POST"], "scopes": ["orders.write"]},
            {"path": "/for/api", "upstream": upstream, "audience": API},
            {"path": "/open", "upstream": upstream, "auth": "none"},
        ],
        **changes,
    }


def client(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "secrets": [f"{name}-secret"], **more}


async def echo(request: RawMessage, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """An upstream's answer: the headers that it got."""
    writer.write(answer("200 OK", json.dumps(request.headers).encode()))
    await writer.drain()
    return True


@contextmanager
def served(config: dict[str, Any], folder: Path) -> Iterator[Caller]:
    """A gateway that stops well in the end."""
    running = Running(config, folder)
    try:
        running.await_ready()
        yield Caller(running)
    except BaseException:
        running.kill()
        raise
    running.stop()
