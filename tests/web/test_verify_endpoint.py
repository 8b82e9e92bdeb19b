"""Forward authentication over the wire: `/auth/verify` judges as the gateway does for proxied requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage, RawUpstream, raw_upstream
from tests.running import Running
from tests.web.test_recording_middleware import metrics
from tests.web_gateway import ask_for_token, problem, web_config
from tests.web_gateway import request as message

CORS = {
    "use": "cors",
    "with": {"origins": ["https://app.example.org"], "methods": ["DELETE"], "credentials": True},
}
APP = "Origin: https://app.example.org"
STRANGER = "127.0.0.9"
SECRET = "a-secret-of-the-proxy"


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def judge(
    request: pytest.FixtureRequest,
    backend: RawUpstream,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    config = web_config(backend, valkey.url, f"verify-{request.param}:", fast_lane=request.param)
    config["server"] |= {"trusted_proxies": ["127.0.0.1", "10.0.0.0/8"]}
    everywhere = ["header", "cookie:session", "websocket_protocol"]
    limit = {"use": "rate_limit", "with": {"limit": 2, "per": "1h", "by": "address"}}
    to = {"upstream": "backend"}
    config["routes"] += [
        {"path": "/only", "verify_only": True, "scopes": ["read"], "methods": ["GET", "PATCH"]},
        {"path": "/open/admin", "verify_only": True, "scopes": ["write"]},
        {"path": "/limited", "auth": "none", "plugins": [limit], **to},
        {"path": "/hosted", "host": "admin.example.org", "scopes": ["nobody"], **to},
        {"path": "/hosted", "auth": "none", **to},
        {
            "path": "/browsers",
            "token_from": everywhere,
            "plugins": [CORS],
            "methods": ["GET", "DELETE"],
            **to,
        },
        {"path": "/where", "where": {"headers": {"X-Forwarded-For": "192.0.2.77"}}, "verify_only": True},
        {
            "path": "/named",
            "verify_only": True,
            "plugins": [{"use": "headers", "with": {"request": {"set": {"X-Env": "prod"}}}}],
        },
    ]
    running = Running(config, tmp_path_factory.mktemp("verify"))
    running.await_ready()
    yield running
    running.stop()


@pytest.fixture
async def proxy(judge: Running, backend: RawUpstream) -> AsyncIterator[RawClient]:
    backend.reset()
    async with await judge.connect() as connected:
        yield connected


@pytest.fixture
async def token(proxy: RawClient) -> str:
    return str(json.loads((await ask_for_token(proxy, "scope=read")).content)["access_token"])


def nginx(method: str, url: str, *headers: str) -> bytes:
    return message("/auth/verify", f"X-Original-Method: {method}", f"X-Original-URL: {url}", *headers)


def traefik(method: str, uri: str, *headers: str) -> bytes:
    forwarded = (
        f"X-Forwarded-Method: {method}",
        f"X-Forwarded-Uri: {uri}",
        "X-Forwarded-Host: api.example.org",
    )
    return message("/auth/verify", *forwarded, *headers)


def envoy(method: str, path: str, *headers: str) -> bytes:
    return message("/auth/verify" + path, *headers, method=method)


ASKING = pytest.mark.parametrize("ask", [nginx, traefik, envoy])


def bearer(token: str) -> str:
    return f"Authorization: Bearer {token}"


@ASKING
async def test_the_judgement_is_that_of_a_proxied_request(proxy: RawClient, token: str, ask: Any) -> None:
    cases = [
        ("GET", "/read/7?a=%2F", (bearer(token),)),
        ("GET", "/read", ()),
        ("GET", "/read", ("Authorization: Bearer gpt_" + "A" * 65,)),
        ("GET", "/read", ("Authorization: Bearer a b",)),
        ("GET", "/read", (bearer(token), bearer(token))),
        ("POST", "/write", (bearer(token),)),
        ("GET", "/audience", (bearer(token),)),
        ("DELETE", "/read", (bearer(token),)),
        ("GET", "/nothing", (bearer(token),)),
        ("GET", "/open", ()),
        ("GET", "/Read", (bearer(token),)),
        ("GET", "/open%2F..%2Fread", ()),
        ("GET", "/read/%zz", ()),
    ]
    for method, path, headers in cases:
        proxied = await proxy.ask(message(path, *headers, method=method))
        asked = await proxy.ask(ask(method, path, *headers))
        assert asked.status == proxied.status, (method, path)
        for name in ("WWW-Authenticate", "Allow", "Content-Type"):
            if asked.status != 200:
                assert asked.header(name) == proxied.header(name)
        if asked.status == 200:
            assert asked.content == b""
        else:
            assert without_id(problem(asked)) == without_id(problem(proxied))


def without_id(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "request_id"}


@ASKING
async def test_the_identity_headers_are_those_that_the_upstream_would_get(
    proxy: RawClient, backend: RawUpstream, token: str, ask: Any
) -> None:
    asked = await proxy.ask(ask("GET", "/read", bearer(token), "X-Client-Id: forged"))
    assert (await proxy.ask(message("/read", bearer(token)))).status == 200
    seen = await backend.next()
    for name in ("X-Client-Id", "X-Authenticated-Scope", "X-Authenticated-UserId"):
        assert asked.header(name) == seen.header(name)
    assert asked.header("X-Client-Id") == "demo"
    assert len(asked.header("X-Request-Id") or "") == 32


async def test_a_route_that_is_only_verified_is_never_proxied(
    proxy: RawClient, backend: RawUpstream, token: str
) -> None:
    assert (await proxy.ask(nginx("GET", "/only/7", bearer(token)))).status == 200
    assert (await proxy.ask(nginx("GET", "/only/7"))).status == 401
    assert (await proxy.ask(nginx("DELETE", "/only/7", bearer(token)))).status == 405
    for twin in ((), ("TE: trailers",)):
        assert problem(await proxy.ask(message("/only/7", bearer(token), *twin)))["code"] == "404"
        # Nor by the shorter path, which is open.
        assert problem(await proxy.ask(message("/open/admin", bearer(token), *twin)))["code"] == "404"
    assert (await proxy.ask(nginx("GET", "/open/admin", bearer(token)))).status == 403
    assert not backend.requests


async def test_headers_that_plugins_set_for_upstreams_are_in_the_answer(proxy: RawClient, token: str) -> None:
    answer = await proxy.ask(nginx("GET", "/named", bearer(token)))
    assert (answer.header("X-Env"), answer.header("X-Client-Id")) == ("prod", "demo")


async def test_a_limit_by_address_counts_the_client_behind_the_proxy(proxy: RawClient) -> None:
    async def asked(address: str) -> RawMessage:
        return await proxy.ask(nginx("GET", "/limited", f"X-Forwarded-For: 6.6.6.6, {address}, 10.0.0.1"))

    statuses = [(await asked("192.0.2.1")).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    limited = await asked("192.0.2.1")
    assert problem(limited)["code"] == "900800"
    assert all(limited.header(name) for name in ("Retry-After", "RateLimit", "RateLimit-Policy"))
    passed = await asked("192.0.2.2")
    assert passed.status == 200
    assert passed.header("RateLimit")


async def test_the_host_is_that_of_the_request(proxy: RawClient) -> None:
    assert (await proxy.ask(nginx("GET", "/hosted"))).status == 200
    assert (await proxy.ask(nginx("GET", "https://ADMIN.example.org/hosted"))).status == 401
    admin = "X-Forwarded-Host: admin.example.org"
    forwarded = message("/auth/verify", "X-Forwarded-Method: GET", "X-Forwarded-Uri: /hosted", admin)
    assert (await proxy.ask(forwarded)).status == 401
    assert (await proxy.ask(nginx("GET", "/hosted", admin))).status == 400


async def test_a_condition_on_the_address_header_holds(proxy: RawClient, token: str) -> None:
    for address, status in (("192.0.2.77", 200), ("192.0.2.78", 404), ("192.0.2.77", 200)):
        answer = await proxy.ask(nginx("GET", "/where", bearer(token), f"X-Forwarded-For: {address}"))
        assert answer.status == status


async def test_what_a_caller_plants_is_refused(proxy: RawClient, token: str) -> None:
    for planted in (
        "X-Original-URL: /open",
        "X-Original-Method: OPTIONS",
        "X-Forwarded-Uri: /open",
        "X-Forwarded-Method: HEAD",
        "X-Forwarded-Host: admin.example.org",
        "X-HTTP-Method-Override: DELETE",
        "X-Rewrite-URL: /open",
    ):
        for ask in (nginx, envoy):
            answer = await proxy.ask(ask("GET", "/read", bearer(token), planted))
            assert problem(answer)["code"] == "400", planted
    assert (await proxy.ask(nginx("GET", "/override", "X-HTTP-Method-Override: DELETE"))).status == 200


async def test_nobody_but_a_trusted_proxy_may_ask(judge: Running, token: str) -> None:
    address = urlsplit(judge.http)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, local_addr=(STRANGER, 0))
    async with RawClient(reader, writer) as stranger:
        for data in (nginx("GET", "/open"), envoy("GET", "/open"), envoy("GET", "", bearer(token))):
            found = problem(await stranger.ask(data))
            assert (found["status"], found["code"]) == (403, "403")
    line = await judge.line("forward authentication refused")
    assert STRANGER in line
    assert "it is none of server.trusted_proxies" in line


async def test_a_preflight_is_answered_as_for_a_proxied_request(proxy: RawClient) -> None:
    asked = ("Access-Control-Request-Method: DELETE", APP)
    proxied = await proxy.ask(message("/browsers/7", *asked, method="OPTIONS"), body=False)
    for ask in (nginx, traefik, envoy):
        answer = await proxy.ask(ask("OPTIONS", "/browsers/7", *asked), body=False)
        assert answer.status == proxied.status == 204
        for name in ("Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Vary"):
            assert answer.header(name) == proxied.header(name)
    assert (await proxy.ask(nginx("OPTIONS", "/browsers/7"))).status == 405
    hidden = await proxy.ask(nginx("OPTIONS", "/browsers/7", *asked, "X-HTTP-Method-Override: DELETE"))
    assert hidden.status == 400


async def test_tokens_of_browsers_count_where_they_count_for_proxied_requests(
    proxy: RawClient, token: str
) -> None:
    cookie, offer = f"Cookie: session={token}", f"Sec-WebSocket-Protocol: bearer, {token}"
    for headers, status in (
        ((cookie, APP), 200),
        ((cookie,), 401),
        ((cookie, "Origin: https://evil.example"), 401),
        ((offer, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eA=="), 200),
        ((offer, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"), 200),
        ((offer,), 401),
        ((cookie, APP, bearer(token)), 400),
    ):
        answer = await proxy.ask(nginx("GET", "/browsers", *headers))
        assert answer.status == status, headers
        if APP in headers:
            assert answer.header("Access-Control-Allow-Origin") == "https://app.example.org"


async def test_a_head_request_is_judged_and_the_answer_fits_the_question(proxy: RawClient) -> None:
    answer = await proxy.ask(nginx("HEAD", "/read"))
    assert problem(answer)["code"] == "900902"
    for path, status in (("/open", 200), ("/read", 401)):
        answer = await proxy.ask(envoy("HEAD", path), body=False)
        assert answer.status == status
    assert (await proxy.ask(nginx("GET", "/open"))).status == 200


async def test_a_question_with_a_body_is_answered(proxy: RawClient, token: str) -> None:
    described = ("X-Original-Method: GET", "X-Original-URL: /read", bearer(token))
    for _ in range(2):
        answer = await proxy.ask(message("/auth/verify", *described, method="POST", body=b"a=1"))
        assert answer.status == 200


async def test_the_log_and_the_metrics_show_the_request_and_that_it_was_only_judged(
    judge: Running, proxy: RawClient, token: str
) -> None:
    for twin in ((), ("TE: trailers",)):
        asked = await proxy.ask(
            traefik("POST", "/read/9?secret=1", bearer(token), "X-Forwarded-For: 192.0.2.9", *twin)
        )
        line = json.loads(await judge.line(asked.header("X-Request-Id") or "none"))
        assert (line["method"], line["path"], line["status"]) == ("POST", "/read/9", 200)
        assert (line["address"], line["route"], line["client"]) == ("192.0.2.9", "/auth/verify /read", "demo")
    found = problem(await proxy.ask(traefik("POST", "/nothing")))
    line = json.loads(await judge.line(found["request_id"]))
    assert (line["method"], line["path"], line["route"]) == ("POST", "/nothing", "/auth/verify")
    counts = await metrics(judge)
    assert 'route="/auth/verify /read"' in counts
    assert 'route="/auth/verify"' in counts


@pytest.fixture
def guarded(valkey: Valkey, prefix: str, tmp_path: Any) -> Iterator[Running]:
    """A gateway that only those may ask who show a secret; `public_url` has a path."""
    with raw_upstream() as upstream:
        config = web_config(upstream, valkey.url, prefix)
    config["server"] |= {
        "trusted_proxies": ["127.0.0.1"],
        "public_url": "https://gateway.example/base",
        "forward_auth": {"secrets": [SECRET]},
    }
    running = Running(config, tmp_path)
    running.await_ready()
    yield running
    running.stop()


async def test_with_a_secret_an_address_is_not_enough_and_the_base_path_may_stand_before(
    guarded: Running,
) -> None:
    address = urlsplit(guarded.http)
    shown = f"X-Forward-Auth-Secret: {SECRET}"
    async with await guarded.connect() as trusted:
        assert (await trusted.ask(nginx("GET", "/open"))).status == 403
        assert (await trusted.ask(nginx("GET", "/open", shown))).status == 200
    reader, writer = await asyncio.open_connection(address.hostname, address.port, local_addr=(STRANGER, 0))
    async with RawClient(reader, writer) as other:
        assert (await other.ask(message("/base/auth/verify/open", shown))).status == 200
        assert (await other.ask(message("/base/auth/verify/open", shown + "x"))).status == 403
