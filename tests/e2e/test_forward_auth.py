"""nginx, HAProxy, Caddy, Traefik and Envoy before a gateway, by the examples of the documentation."""

from __future__ import annotations

import base64
import json
import posixpath
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import pytest
from cryptography import x509

from tests.certificates import Certificate
from tests.conftest import Valkey
from tests.e2e.conftest import configuration
from tests.e2e.proxies import EXAMPLES_BY_NAME, Example, proxied
from tests.raw import RawClient, RawMessage, RawUpstream, raw_upstream
from tests.running import Running
from tests.web_gateway import ask_for_token
from tests.web_gateway import request as message

HOST = "api.example.org"
CORS = {"use": "cors", "with": {"origins": ["https://app.example.org"], "methods": ["DELETE"]}}
LISTEN = [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "ext_authz": "grpc"}]
LIMIT_2 = {"use": "rate_limit", "with": {"limit": 2, "per": "1h", "by": "address"}}


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def judge(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The gateway that is asked. It has no backend of its own."""
    only = {"verify_only": True}
    routes = [
        {"path": "/orders", "scopes": ["orders.read"], "methods": ["GET", "HEAD", "POST"], **only},
        {"path": "/orders/admin", "scopes": ["admin"], **only},
        {"path": "/open", "auth": "none", **only},
        {"path": "/limited", "auth": "none", "plugins": [LIMIT_2], **only},
        {"path": "/browsers", "plugins": [CORS], "methods": ["GET", "DELETE"], **only},
        {"path": "/hosted", "host": "admin.example.org", "scopes": ["admin"], **only},
        {"path": "/hosted", "auth": "none", **only},
        {"path": "/socket", "token_from": ["websocket_protocol"], **only},
    ]
    config = configuration(
        "http://127.0.0.1:1",
        server={"trusted_proxies": ["127.0.0.1"], "listen": LISTEN},
        store={"url": valkey.url, "prefix": "forward-auth:"},
        tokens={"key": "k" * 32},
        clients=[
            {"id": "shop", "secrets": ["shop-secret"], "scopes": ["orders.read"]},
            {
                "id": "bound",
                "tls_client_auth": {"san_dns": "bound.example"},
                "scopes": ["orders.read"],
                "require_mtls": True,
            },
        ],
        routes=routes,
        plugins=[{"use": "request_id"}],
    )
    with valkey.client as client:
        client.delete(*client.keys("forward-auth:*") or ["forward-auth:none"])
    running = Running(config, tmp_path_factory.mktemp("judge"))
    running.await_ready()
    yield running
    running.stop()


@dataclass(frozen=True)
class Front:
    """A running proxy."""

    name: str
    port: int

    @property
    def example(self) -> Example:
        return EXAMPLES_BY_NAME[self.name]


@pytest.fixture(scope="module", params=EXAMPLES_BY_NAME)
def front(
    request: pytest.FixtureRequest,
    judge: Running,
    backend: RawUpstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    gateway, grpc = urlsplit(judge.http).port, urlsplit(judge.addresses("grpc")[0]).port
    assert gateway is not None
    assert grpc is not None
    folder = tmp_path_factory.mktemp(request.param)
    with proxied(request.param, gateway, grpc, backend.port, folder) as port:
        yield Front(request.param, port)


@pytest.fixture
async def caller(front: Front, backend: RawUpstream) -> AsyncIterator[RawClient]:
    backend.reset()
    async with await RawClient.connect("127.0.0.1", front.port) as connected:
        yield connected


@pytest.fixture
async def token(judge: Running) -> str:
    async with await judge.connect() as connected:
        answer = await ask_for_token(connected, "scope=orders.read", "shop:shop-secret")
    return str(json.loads(answer.content)["access_token"])


def bearer(token: str) -> str:
    return f"Authorization: Bearer {token}"


def spellings(message: RawMessage) -> set[str]:
    """The names of all headers, as a backend has them that takes _ and . for -."""
    return {re.sub("[^a-z0-9]+", "-", name.lower()) for name, _ in message.headers}


async def test_a_request_that_may_pass_reaches_the_backend_with_who_calls(
    caller: RawClient, backend: RawUpstream, token: str
) -> None:
    target = "/orders/a%20b%2Fc;d=1?x=%2F&y"
    answer = await caller.ask(message(target, bearer(token), "X-Own: 1", method="POST", body=b"hello"))
    assert answer.status == 200
    seen = await backend.next()
    assert (seen.method, seen.target, seen.content) == ("POST", target, b"hello")
    assert (seen.header("X-Client-Id"), seen.header("X-Own")) == ("shop", "1")
    assert seen.header("X-Authenticated-Scope") == "am_application_scope orders.read"
    assert re.fullmatch("[0-9a-f]{32}", seen.header("X-Request-Id") or "")
    assert seen.header("Host") == HOST
    assert seen.header("Authorization") is None
    assert "x-authenticated-userid" not in spellings(seen)


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "challenge"),
    [
        ("GET", "/orders", 401, "900902", "Bearer realm"),
        ("GET", "/orders/admin", 403, "900910", 'error="insufficient_scope"'),
        ("GET", "/nothing", 404, "404", None),
        ("DELETE", "/orders", 405, "405", None),
        ("GET", "/ORDERS", 400, "400", None),
    ],
)
async def test_a_refusal_reaches_the_caller_as_the_gateway_gave_it(
    front: Front,
    caller: RawClient,
    backend: RawUpstream,
    token: str,
    method: str,
    path: str,
    status: int,
    code: str,
    challenge: str | None,
) -> None:
    headers = () if status == 401 else (bearer(token),)
    answer = await caller.ask(message(path, *headers, method=method))
    assert answer.status == status
    assert not backend.requests
    if challenge is not None:
        assert challenge in (answer.header("WWW-Authenticate") or "")
    if front.example.hands_bodies_on:
        assert json.loads(answer.content)["code"] == code
        assert answer.header("Content-Type") == "application/problem+json"


async def test_a_limit_holds(front: Front, backend: RawUpstream, valkey: Valkey) -> None:
    with valkey.client as client:
        client.delete(*client.keys("forward-auth:l*") or ["forward-auth:none"])
    backend.reset()
    statuses = []
    for _ in range(4):
        async with await RawClient.connect("127.0.0.1", front.port) as caller:
            answer = await caller.ask(message("/limited"))
        statuses.append(answer.status)
    assert statuses[-1] == 429
    assert set(statuses) <= {200, 429}
    assert int(answer.header("Retry-After") or 0) > 0
    assert len(backend.requests) == statuses.count(200) <= 2


PLANTED = [
    ("X-Original-URL: /open", "X-Original-Method: GET"),
    (f"X-Original-URL: http://{HOST}/open",),
    ("X-Original-Method: OPTIONS",),
    ("X-Forwarded-Uri: /open", "X-Forwarded-Method: GET"),
    ("X-Forwarded-Uri: /open", "X-Forwarded-Method: GET", "X-Forwarded-Host: other.example.org"),
    ("X-Original-URI: /open",),
    ("X-Rewrite-URL: /open",),
    ("X-Forwarded-Path: /open", "X-Forwarded-Prefix: /open"),
    ("X-HTTP-Method-Override: GET", "X-Method-Override: GET", "X-HTTP-Method: GET"),
    ("X_Original_URL: /open", "X_HTTP_Method_Override: GET"),
]
OVERRIDES = {
    "x-original-url", "x-original-method", "x-original-uri", "x-rewrite-url", "x-forwarded-uri",
    "x-forwarded-method", "x-forwarded-path", "x-http-method", "x-http-method-override", "x-method-override",
}  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED)
async def test_a_caller_that_plants_another_request_gains_nothing(
    front: Front, caller: RawClient, backend: RawUpstream, token: str, planted: tuple[str, ...]
) -> None:
    """Neither for a request that may not pass nor, at the backend, for one that may."""
    for path, headers in (("/orders", ()), ("/orders/admin", (bearer(token),)), ("/nothing", ())):
        async with await RawClient.connect("127.0.0.1", front.port) as other:
            answer = await other.ask(message(path, *headers, *planted))
        assert answer.status in (400, 401, 403, 404), path
    assert not backend.requests
    answer = await caller.ask(message("/orders/7", bearer(token), *planted))
    assert answer.status in (200, 400)
    for seen in backend.requests:
        assert seen.target == "/orders/7"
        assert not OVERRIDES & spellings(seen)


@pytest.mark.parametrize("spelling", ["{}-{}-{}", "{}_{}_{}"])
async def test_a_caller_that_plants_who_it_is_is_not_believed(
    caller: RawClient, backend: RawUpstream, token: str, spelling: str
) -> None:
    names = [("X", "Client", "Id"), ("X", "Authenticated", "UserId"), ("X", "Authenticated", "Scope")]
    planted = [f"{spelling.format(*name)}: root" for name in names]
    assert (await caller.ask(message("/open", *planted, *planted))).status == 200
    seen = await backend.next()
    assert not {"x-client-id", "x-authenticated-userid", "x-authenticated-scope"} & spellings(seen)
    assert (await caller.ask(message("/orders", bearer(token), *planted))).status == 200
    seen = await backend.next(2)
    assert "root" not in [value for _, value in seen.headers]
    assert seen.all("X-Client-Id") == ["shop"]
    assert "x-authenticated-userid" not in spellings(seen)


async def test_a_caller_that_plants_a_certificate_has_none(
    judge: Running, caller: RawClient, backend: RawUpstream
) -> None:
    authority = Certificate("CN=ca", authority=True)
    certificate = Certificate(names=(x509.DNSName("bound.example"),), issuer=authority)
    shown = f"Client-Cert: :{base64.b64encode(certificate.der).decode()}:"
    async with await judge.connect() as proxy:
        form = b"grant_type=client_credentials&client_id=bound&scope=orders.read"
        kind = "Content-Type: application/x-www-form-urlencoded"
        answer = await proxy.ask(message("/token", shown, kind, method="POST", body=form))
        stolen = json.loads(answer.content)["access_token"]
        described = ("X-Original-Method: GET", "X-Original-URL: /orders", bearer(stolen))
        assert (await proxy.ask(message("/auth/verify", *described, shown))).status == 200
    assert (await caller.ask(message("/orders", bearer(stolen), shown))).status == 401
    assert not backend.requests


async def test_a_caller_that_plants_a_host_is_judged_by_the_one_that_it_asked_for(
    front: Front, backend: RawUpstream
) -> None:
    backend.reset()
    asked = b"GET /hosted HTTP/1.1\r\nHost: admin.example.org\r\n%s\r\n"
    for planted in (
        b"",
        b"X-Forwarded-Host: api.example.org\r\n",
        b"X-Original-Host: a\r\n",
        b"Forwarded: host=a\r\n",
    ):
        async with await RawClient.connect("127.0.0.1", front.port) as caller:
            assert (await caller.ask(asked % planted)).status in (400, 401)
    assert not backend.requests


def resolved(target: str) -> str:
    """A path as the most lenient backend reads it."""
    decoded = unquote(re.split("[?#]", target)[0]).replace("\\", "/").lower()
    return posixpath.normpath(re.sub("//+", "/", re.sub(";[^/]*", "", decoded)))


@pytest.mark.parametrize(
    "path",
    [
        "/open/../orders/admin", "/open/%2e%2e/orders/admin", "/open/..%2forders/admin",
        "/open/..;/orders/admin",
        "/open//orders/admin", "//open/../orders/admin", "//orders/admin", "/open%2f..%2forders%2fadmin",
        "/orders;x/admin", "/orders/admin;x", "/ORDERS/admin", "/orders%2Fadmin", "/orders/%61dmin",
        "/orders//admin", "/orders/./admin", "/open\\..\\orders\\admin", "/open/%5c..%5corders/admin",
        "/orders/adm%00in", "/open#/../orders/admin", "/open?/../orders/admin", "/orders/%zz/admin",
    ],
)  # fmt: skip
async def test_no_spelling_of_a_path_leads_where_the_caller_may_not(
    front: Front, backend: RawUpstream, token: str, path: str
) -> None:
    backend.reset()
    async with await RawClient.connect("127.0.0.1", front.port) as caller:
        answer = await caller.ask(message(path, bearer(token)))
    if answer.status != 200:
        assert not backend.requests
        return
    seen = await backend.next()
    assert not resolved(seen.target).startswith("/orders/admin"), seen.target


async def test_a_preflight_needs_no_token(front: Front, caller: RawClient, backend: RawUpstream) -> None:
    asked = ("Origin: https://app.example.org", "Access-Control-Request-Method: DELETE")
    answer = await caller.ask(message("/browsers/7", *asked, method="OPTIONS"), body=False)
    if front.example.answers_preflights:
        assert answer.status == 204
        assert answer.header("Access-Control-Allow-Origin") == "https://app.example.org"
        assert not backend.requests
    else:
        assert (await backend.next()).method == "OPTIONS"
    foreign = ("Origin: https://evil.example", "Access-Control-Request-Method: PUT")
    async with await RawClient.connect("127.0.0.1", front.port) as other:
        assert (await other.ask(message("/browsers/7", *foreign, method="OPTIONS"))).status in (401, 405)


async def test_a_token_offered_as_a_websocket_protocol_counts(
    front: Front, backend: RawUpstream, token: str
) -> None:
    upgrade = (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    for offered, allowed in ((token, True), ("gpt_" + "A" * 65, False)):
        backend.reset()
        async with await RawClient.connect("127.0.0.1", front.port) as caller:
            await caller.send(message("/socket", *upgrade, f"Sec-WebSocket-Protocol: bearer, {offered}"))
            if allowed:
                assert (await backend.next()).target == "/socket"
            else:
                assert (await caller.receive()).status == 401
                assert not backend.requests


@pytest.mark.parametrize("name", EXAMPLES_BY_NAME)
async def test_without_a_gateway_nobody_passes(
    name: str, backend: RawUpstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    backend.reset()
    with proxied(name, 1, 1, backend.port, tmp_path_factory.mktemp(name)) as port:
        async with await RawClient.connect("127.0.0.1", port) as caller:
            assert (await caller.ask(message("/open"))).status >= 500
    assert not backend.requests
