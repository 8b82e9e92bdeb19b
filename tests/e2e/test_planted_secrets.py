"""Secrets that are planted everywhere, and looked for in all that a gateway has written."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis

from tests.client_keys import ASSERTION_TYPE, signer
from tests.commands.conftest import gatepost, shown
from tests.conftest import Valkey
from tests.e2e.conftest import StartGateway, configuration
from tests.otel_receiver import Receiver, otel_receiver
from tests.portal.reader import Reader, call
from tests.raw import RawUpstream, until
from tests.running import Running


class Planted:
    """Unique secrets by what they are."""

    def __init__(self) -> None:
        self.by_name: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """One that is made up here."""
        made = f"planted-{name.replace(' ', '-')}-{secrets.token_hex(12)}"
        return self.by_name.setdefault(name, made)

    def got(self, name: str, secret: str) -> str:
        """One that the gateway has given out, or that was made by a key."""
        assert len(secret) > 15, name
        return self.by_name.setdefault(name, secret)

    def found_in(self, where: str, written: bytes) -> list[str]:
        return [
            f"{name} in {where}: {_around(written, form)}"
            for name, secret in self.by_name.items()
            for form in _forms(secret)
            if form in written
        ]


def _forms(secret: str) -> set[bytes]:
    """How it could be written: as it is, in a URL, as JSON, in base64 wherever it begins in it."""
    forms = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret.encode()).decode()
        # Without the characters that depend on what stands before or behind.
        forms.add(encoded[4 if shift else 0 : -4])
    return {form.encode() for form in forms}


def _around(written: bytes, form: bytes) -> bytes:
    place = written.index(form)
    return written[max(place - 80, 0) : place] + b"<HERE>"


@pytest.fixture
def planted() -> Planted:
    return Planted()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with otel_receiver() as made:
        yield made


@pytest.fixture
def guarded_valkey(planted: Planted) -> Iterator[Valkey]:
    server = Valkey("--requirepass", planted["store password"])
    server.start()
    yield server
    server.remove()


def planted_configuration(upstream: str, store: Valkey, planted: Planted) -> dict[str, Any]:
    config = configuration(
        upstream,
        store={"url": f"unix://:{planted['store password']}@{store.path}", "prefix": "planted:"},
        server={"public_url": "http://127.0.0.1", "trusted_proxies": ["127.0.0.1"]},
        tokens={"keys": [planted["master key"]]},
        grants={"password": {"enabled": True}, "refresh_token": {"enabled": True, "lifetime": "1d"}},
        clients=[
            {
                "id": "demo",
                "secrets": [planted["client secret"]],
                "grants": ["client_credentials", "password", "refresh_token"],
                "scopes": ["orders.read"],
                "api_keys": [planted["api key"]],
            },
            {"id": "signer", "jwks": signer("ES256").jwks, "scopes": ["orders.read"]},
        ],
        registration={"enabled": True, "initial_access_tokens": [planted["initial access token"]]},
        portal={"users": [{"name": "ann", "password": planted["portal password"], "admin": True}]},
        logging={
            "level": "debug",
            "format": "json",
            "access": True,
            "audit": "audit.log",
            "fields": ["agent", "host", "protocol", "upstream", "error", "trace_id", "token_id"],
        },
        upstreams={
            "backend": {
                "servers": [{"url": upstream}],
                "auth": {"basic": {"user": "gateway", "password": planted["upstream password"]}},
                "health": {"path": "/health", "headers": {"X-Probe": planted["health header"]}},
            },
            "dead": {
                "servers": [{"url": "http://127.0.0.1:1"}],
                "auth": {"header": {"name": "X-Key", "value": planted["upstream header"]}},
            },
            "issuing": {
                "servers": [{"url": upstream}],
                "auth": {
                    "client_credentials": {
                        "token_url": "http://127.0.0.1:1/token",
                        "client_id": "gateway",
                        "client_secret": planted["upstream client secret"],
                    }
                },
            },
        },
    )
    cors = {"use": "cors", "with": {"origins": ["https://app.example.org"], "credentials": True}}
    signed = {"use": "hmac", "with": {"scheme": "github", "secrets": [planted["hmac secret"]]}}
    scoped = {"upstream": "backend", "scopes": ["orders.read"]}
    config["routes"] += [
        {"path": "/keyed", **scoped, "plugins": [{"use": "api_key"}]},
        {"path": "/cookie", **scoped, "token_from": ["header", "cookie:session"], "plugins": [cors]},
        {"path": "/signed", "upstream": "backend", "auth": "none", "plugins": [signed]},
        {"path": "/dead", "upstream": "dead", "auth": "none"},
        {"path": "/issuing", "upstream": "issuing", "auth": "none"},
    ]
    return config


@pytest.fixture
def running(
    gateway: StartGateway,
    upstream: RawUpstream,
    guarded_valkey: Valkey,
    planted: Planted,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> Running:
    config = planted_configuration(upstream.url, guarded_valkey, planted)
    collector = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{planted['collector token']}"}
    running = gateway(config, workers=2, **receiver.environment, **collector)
    monkeypatch.chdir(running.file.parent)
    return running


async def raw(running: Running, request: bytes) -> bytes:
    """What is answered to these bytes, until the connection is closed."""
    async with await running.connect() as connection:
        await connection.send(request)
        return await connection.rest()


def tokens_and_clients(running: Running, planted: Planted) -> None:
    """The OAuth endpoints, with what is right and what is wrong."""
    base, right = running.http, f"demo:{planted['client secret']}"
    grant = {"grant_type": "client_credentials", "scope": "orders.read"}
    status, answer = call(base, "/token", grant, basic=right)
    assert status == 200
    token = planted.got("access token", answer["access_token"])
    assert call(base, "/token", grant, basic=f"demo:{planted['wrong secret']}")[0] == 401
    in_form = {**grant, "client_id": "demo", "client_secret": planted["client secret"]}
    assert call(base, "/token", in_form)[0] == 200
    assert call(base, f"/token?client_secret={planted['secret in the query']}", grant)[0] == 400
    assert call(base, "/token", {**grant, "scope": planted["secret for a scope"]}, basic=right)[0] == 400
    assert call(base, "/token", {"grant_type": planted["secret for a grant"]}, basic=right)[0] == 400
    assert call(base, "/token", grant, basic=planted["basic without colon"])[0] == 401
    assert call(base, "/introspect", {"token": token}, basic=right)[0] == 200
    assert call(base, "/introspect", {"token": planted["unknown token"]}, basic=right)[0] == 200
    assert call(base, "/introspect", {"token": token}, basic=f"demo:{planted['wrong secret 2']}")[0] == 401
    assertion = planted.got("assertion", signer("ES256").assertion("signer", "http://127.0.0.1", time.time()))
    signed = {**grant, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    assert call(base, "/token", signed)[0] == 200
    assert call(base, "/token", signed)[0] == 401, "it is a replay"
    wrong = planted.got("wrong assertion", signer("ES256", 1).assertion("signer", "x", time.time()))
    assert call(base, "/token", {**signed, "client_assertion": wrong})[0] == 401

    person = {"grant_type": "password", "username": "ann", "password": planted["portal password"]}
    status, answer = call(base, "/token", person, basic=right)
    assert status == 200, answer
    refresh = planted.got("refresh token", answer["refresh_token"])
    planted.got("users access token", answer["access_token"])
    assert call(base, "/token", {**person, "password": planted["wrong password"]}, basic=right)[0] == 400
    again = {"grant_type": "refresh_token", "refresh_token": refresh}
    status, answer = call(base, "/token", again, basic=right)
    assert status == 200
    planted.got("second refresh token", answer["refresh_token"])
    assert call(base, "/token", again, basic=right)[0] == 400, "it was used before"
    stranger = {"grant_type": "refresh_token", "refresh_token": planted["unknown refresh token"]}
    assert call(base, "/token", stranger, basic=right)[0] == 400
    revoked = call(base, "/token", {**grant, "validity_period": "99"}, basic=right)[1]["access_token"]
    planted.got("revoked token", revoked)
    assert call(base, "/revoke", {"token": revoked}, basic=right)[0] == 200
    assert call(base, "/orders", bearer=revoked)[0] == 401


def registered(running: Running, planted: Planted) -> None:
    """Clients that register themselves."""
    robot = json.dumps({"client_name": "Robot", "scope": "orders.read"}).encode()
    kind = "application/json"

    def ask(bearer: str) -> Any:
        reader = Reader(running.http)
        return reader.open("/register", robot, Content_Type=kind, Authorization=f"Bearer {bearer}")

    made = ask(planted["initial access token"])
    assert made.status == 201, made.body
    client = json.loads(made.body)
    planted.got("registered secret", client["client_secret"])
    planted.got("registration token", client["registration_access_token"])
    assert ask(planted["wrong initial access token"]).status == 401
    path = f"/register/{client['client_id']}"
    assert call(running.http, path, bearer=client["registration_access_token"])[0] == 200
    assert call(running.http, path, bearer=planted["wrong registration token"])[0] == 401


def proxied(running: Running, planted: Planted) -> list[str]:
    """Requests to routes. Returns the ids of those that were refused."""
    reader, token = Reader(running.http), planted.by_name["access token"]
    refused = []

    def ask(path: str, status: int, body: bytes | None = None, **headers: str) -> None:
        sheet = reader.open(path, body, **headers)
        assert sheet.status == status, (path, sheet.body)
        if "problem" in sheet.headers.get("Content-Type", ""):
            refused.append(json.loads(sheet.body)["request_id"])

    secret_query = f"key={planted['secret of a query']}"
    ask(f"/orders?{secret_query}", 200, Authorization=f"Bearer {token}")
    ask(f"/orders?access_token={planted['token in the query']}", 401)
    ask("/orders", 401, Authorization=f"Bearer {planted['unknown bearer']}")
    ask("/orders", 401, Authorization=f"Bearer gpt_{planted['forged token']}")
    ask("/orders", 401, Authorization=f"Basic {planted['basic on a route']}")
    ask("/orders", 400, Authorization=f"Bearer {planted['first part']} {planted['second part']}")
    ask("/orders", 401, Authorization=f"DPoP {token}", DPoP=planted["no proof"])
    proof = signer("ES256", 2).proof("GET", "http://127.0.0.1/orders", time.time(), token)
    ask("/orders", 401, Authorization=f"DPoP {token}", DPoP=planted.got("proof", proof))
    ask("/keyed", 200, X_Api_Key=planted["api key"])
    ask("/keyed", 401, X_Api_Key=planted["wrong api key"])
    page = {"Origin": "https://app.example.org"}
    ask("/cookie", 200, Cookie=f"session={token}; other={planted['other cookie']}", **page)
    ask("/cookie", 401, Cookie=f"session={planted['wrong cookie']}", **page)
    ask("/signed", 401, planted["body"].encode(), X_Hub_Signature_256=f"sha256={planted['signature']}")
    ask(f"/dead?{secret_query}", 502, X_Secret=planted["header to a dead upstream"])
    ask(f"/issuing?{secret_query}", 502)
    ask(f"/nowhere?{secret_query}", 404, Authorization=f"Bearer {planted['bearer to nowhere']}")
    return refused


async def malformed(running: Running, planted: Planted) -> None:
    """What can't be read as a request, or must not be."""
    for number, (line, header) in enumerate(
        (
            ("GET /orders HTTP/1.1", "Authorization Bearer {}"),
            ("GET /orders?key={} HTTP/9.9", "Host: a"),
            ("GET /a/../b?key={} HTTP/1.1", "Host: a"),
            ("GET /orders?a=\x01{} HTTP/1.1", "Host: a"),
            ("{} nonsense", "Host: a"),
            ("GET /orders HTTP/1.1", "Host: a\r\nAuthorization: Bearer {}\r\nAuthorization: Bearer two"),
            ("GET /orders HTTP/1.1", "Host: a\r\nX-Long: {}" + 40_000 * "x"),
            ("POST /orders HTTP/1.1", "Host: a\r\nContent-Length: {}"),
            ("POST /orders HTTP/1.1", "Host: a\r\nTransfer-Encoding: {}"),
        )
    ):
        secret = planted[f"malformed request {number}"]
        request = f"{line}\r\n{header}\r\nConnection: close\r\n\r\n".replace("{}", secret)
        answered = await raw(running, request.encode("latin-1"))
        assert answered.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), (line, answered)


def in_the_portal(running: Running, planted: Planted) -> None:
    """What a person does: signs in, makes keys of an application, tries a token."""
    assert Reader(running.http).sign_in("ann", planted["wrong portal password"]).status == 401
    reader = Reader(running.http)
    assert reader.sign_in("ann", planted["portal password"]).status == 200
    for cookie in reader.cookies:
        planted.got(f"cookie {cookie.name}", cookie.value or "")
    _, page = reader.keys()
    planted.got("application secret", page.value("consumer-secret"))
    assert reader.open("/portal/", Cookie=f"session={planted['wrong session']}").status == 200
    address = f"/portal/sign-in?next={planted['query of the portal']}"
    assert reader.open(address).status in (200, 400)


def on_the_command_line(planted: Planted, refused: list[str]) -> str:
    """The commands of an operator. Returns what those print that show no new secret."""
    made = shown("client", "create", "--id", "shop", "--scope", "orders.read")
    planted.got("created secret", made["client_secret"])
    planted.got("rotated secret", shown("client", "rotate-secret", "shop")["client_secret"])
    planted.got("stored api key", shown("client", "api-key", "create", "shop", "--name", "robot")["api_key"])
    printed = [gatepost("check"), gatepost("client", "list"), gatepost("client", "show", "shop")]
    printed += [gatepost("client", "show", "demo"), gatepost("user", "list"), gatepost("status")]
    printed += [gatepost("why", request_id) for request_id in refused[:3]]
    printed += [gatepost("explain", "GET", "/orders"), gatepost("explain", "POST", "/signed")]
    return "".join(result.output for result in printed)


def reload(running: Running, planted: Planted) -> None:
    """A file that is wrong, in the place of a secret among others."""
    good = running.file.read_text()
    bad = good.replace("secrets:\n", f"secrets:\n  - {{nonsense: {planted['secret in a wrong place']}}}\n", 1)
    assert bad != good
    running.file.write_text(bad)
    running.signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while not running.found("configuration not reloaded"):
        assert time.monotonic() < deadline, running.output
        time.sleep(0.02)
    running.file.write_text(good)


def managed(running: Running, refused: list[str]) -> dict[str, bytes]:
    paths = ["/metrics", "/status", "/routes", "/configuration", "/readyz"]
    paths += [f"/why/{request_id}" for request_id in refused]
    reader = Reader(running.management)
    pages = {path: reader.open(path).body for path in paths}
    pages["/status as a page"] = reader.open("/status", Accept="text/html").body
    pages["/routes as a page"] = reader.open("/routes", Accept="text/html").body
    return pages


def in_the_store(store: Valkey, planted: Planted) -> bytes:
    """Every key and every value."""
    client = redis.Redis(unix_socket_path=str(store.path), password=planted["store password"])
    readers: dict[bytes, Callable[[bytes], object]] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"list": lambda key: client.lrange(key, 0, -1),
        b"stream": client.xrange,
    }
    written = []
    with client:
        for key in client.scan_iter(count=1000):
            kind = client.type(key)
            written += [key, b"=", _flat(readers[kind](key)) if kind in readers else b"", b"\n"]
    assert b"planted:" in b"".join(written)
    return b"".join(written)


def _flat(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        value = list(value.items())
    if isinstance(value, list | tuple | set):
        return b" ".join(_flat(item) for item in value)
    return str(value).encode()


def on_disk(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All files but the configuration itself."""
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "gateway.yaml":
            yield f"the file {path.relative_to(folder)}", path.read_bytes()


async def test_no_planted_secret_is_in_anything_that_is_written(
    running: Running, planted: Planted, receiver: Receiver, guarded_valkey: Valkey
) -> None:
    await asyncio.to_thread(tokens_and_clients, running, planted)
    await asyncio.to_thread(registered, running, planted)
    refused = await asyncio.to_thread(proxied, running, planted)
    await malformed(running, planted)
    await asyncio.to_thread(in_the_portal, running, planted)
    printed = await asyncio.to_thread(on_the_command_line, planted, refused)
    await until(lambda: any(log.attributes.get("url.path") == "/nowhere" for log in receiver.logs))
    pages = await asyncio.to_thread(managed, running, refused)
    await asyncio.to_thread(reload, running, planted)
    stored = await asyncio.to_thread(in_the_store, guarded_valkey, planted)
    running.signal(signal.SIGTERM)
    assert await running.ended(30) == 0

    audited = running.file.parent / "audit.log"
    assert b"sign_in" in audited.read_bytes(), "what is searched is there"
    assert receiver.spans
    assert receiver.metrics
    assert running.found('"path": "/nowhere"')
    assert len(planted.by_name) > 50
    written = {
        "the log": running.output.encode(),
        "what commands print": printed.encode(),
        "the store": stored,
        **{f"what is sent to the collector ({number})": body for number, body in enumerate(receiver.bodies)},
        **pages,
        **dict(on_disk(running.file.parent)),
    }
    found = [line for where, text in written.items() for line in planted.found_in(where, text)]
    assert found == []
