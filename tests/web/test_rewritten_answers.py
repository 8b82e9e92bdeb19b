"""Redirects and cookies of upstreams behind a prefix, as clients get them on both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import own_certificate, request, web_config

HOST = "api.example.org"
LOCATION = "Location: /login"
COOKIE = "Set-Cookie: a=b; Path=/"


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def prefixed(
    request: pytest.FixtureRequest,
    backend: RawUpstream,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    """A gateway with an upstream under prefixes, under templates, and behind a base path."""
    config = web_config(backend, valkey.url, "test-prefixed:", fast_lane=request.param)
    config["server"]["trusted_proxies"] = ["127.0.0.1/32"]
    config["upstreams"]["private"] = {
        "servers": [{"url": backend.url}],
        "host_header": "orders.internal",
    }
    config["upstreams"]["based"] = {"servers": [{"url": backend.url + "/v1"}]}
    free = {"auth": "none"}
    config["routes"] = [
        {"path": "/orders", "upstream": "backend", **free},
        {"path": "/as-it-came", "upstream": "backend", "rewrite_answers": False, **free},
        {"path": "/private", "upstream": "private", **free},
        {"path": "/based", "upstream": "based", **free},
        {"path": "/whole", "upstream": "backend", "strip_prefix": False, **free},
        {
            "path": "/shop",
            "upstream": "backend",
            "plugins": [
                {"use": "rewrite", "with": {"path": "/shop/{t}/{rest...}", "to": "/tenants/{rest...}"}}
            ],
            **free,
        },
        {
            "path": "/seen",
            "upstream": "backend",
            "plugins": [{"use": "headers", "with": {"response": {"remove": ["Server"]}}}],
            **free,
        },
    ]
    running = Running(config, tmp_path_factory.mktemp("prefixed"))
    running.await_ready()
    yield running
    running.stop()


async def get(
    prefixed: Running, backend: RawUpstream, target: str, *came: str, headers: tuple[str, ...] = ()
) -> RawMessage:
    """What a client gets where the upstream answers 302 with these headers."""
    backend.reset(says(answer("302 Found", b"", *came)))
    async with await prefixed.connect() as client:
        # Twice: the second is served from what was cached for the first.
        await client.ask(request(target, *headers))
        return await client.ask(request(target, *headers))


async def test_a_redirect_comes_back_under_the_prefix(prefixed: Running, backend: RawUpstream) -> None:
    reply = await get(prefixed, backend, "/orders/7", LOCATION, "Content-Location: /7", "Refresh: 5; url=/9")
    assert backend.requests[-1].target == "/7"
    assert backend.requests[-1].header("X-Forwarded-Prefix") == "/orders"
    assert reply.header("Location") == "/orders/login"
    assert reply.header("Content-Location") == "/orders/7"
    assert reply.header("Refresh") == "5; url=/orders/9"
    assert reply.header("Content-Length") == "0"


async def test_where_the_upstream_names_itself(prefixed: Running, backend: RawUpstream) -> None:
    for named in (backend.url, f"http://{HOST}"):
        reply = await get(prefixed, backend, "/orders/7", f"Location: {named}/login?x=%2F#f")
        assert reply.header("Location") == f"http://{HOST}/orders/login?x=%2F#f"
    other = await get(prefixed, backend, "/orders/7", "Location: https://other.example/login")
    assert other.header("Location") == "https://other.example/login"


async def test_the_scheme_is_the_clients(prefixed: Running, backend: RawUpstream) -> None:
    backend.reset(says(answer("302 Found", b"", f"Location: http://{HOST}/login")))
    async with await prefixed.connect(prefixed.https, own_certificate(prefixed)) as client:
        reply = await client.ask(request("/orders/7"))
    assert reply.header("Location") == f"https://{HOST}/orders/login"


async def test_behind_a_trusted_proxy_it_is_that_of_the_proxys_client(
    prefixed: Running, backend: RawUpstream
) -> None:
    said = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: public.example")
    reply = await get(prefixed, backend, "/orders/7", f"Location: {backend.url}/login", headers=said)
    assert reply.header("Location") == "https://public.example/orders/login"
    reply = await get(prefixed, backend, "/orders/7", f"Location: http://{HOST}/login", headers=said)
    assert reply.header("Location") == "https://public.example/orders/login"


async def test_a_host_that_only_the_upstream_knows(prefixed: Running, backend: RawUpstream) -> None:
    cookie = "Set-Cookie: a=b; Domain=orders.internal; Path=/x"
    reply = await get(prefixed, backend, "/private/7", "Location: http://orders.internal/login", cookie)
    assert backend.requests[-1].header("Host") == "orders.internal"
    assert reply.header("Location") == f"http://{HOST}/private/login"
    assert reply.header("Set-Cookie") == f"a=b; Domain={HOST}; Path=/private/x"


async def test_each_cookie_comes_back_under_the_prefix(prefixed: Running, backend: RawUpstream) -> None:
    host_cookie = "__Host-c=d; Path=/; Secure"
    reply = await get(prefixed, backend, "/orders/7", COOKIE, f"Set-Cookie: {host_cookie}")
    assert reply.all("Set-Cookie") == ["a=b; Path=/orders", host_cookie]


async def test_what_is_under_the_prefix_already_stays(prefixed: Running, backend: RawUpstream) -> None:
    reply = await get(prefixed, backend, "/orders/7", "Location: /orders/8", "Set-Cookie: a=b; Path=/orders")
    assert reply.header("Location") == "/orders/8"
    assert reply.header("Set-Cookie") == "a=b; Path=/orders"


async def test_a_relative_redirect_leads_where_the_upstream_meant(
    prefixed: Running, backend: RawUpstream
) -> None:
    reply = await get(prefixed, backend, "/orders", "Location: login")
    assert reply.header("Location") == "/orders/login"
    reply = await get(prefixed, backend, "/orders/a/b", "Location: ../c")
    assert reply.header("Location") == "../c"


async def test_a_base_path_is_taken_off(prefixed: Running, backend: RawUpstream) -> None:
    reply = await get(prefixed, backend, "/based/7", "Location: /v1/login", COOKIE)
    assert backend.requests[-1].target == "/v1/7"
    assert reply.header("Location") == "/based/login"
    assert reply.header("Set-Cookie") == "a=b; Path=/based"


async def test_rewritten_paths_are_read_backwards(prefixed: Running, backend: RawUpstream) -> None:
    reply = await get(prefixed, backend, "/shop/acme/7", "Location: /tenants/login?x", COOKIE)
    assert backend.requests[-1].target == "/tenants/7"
    assert reply.header("Location") == "/shop/acme/login?x"
    stays = await get(prefixed, backend, "/shop/acme/7", "Location: /shop/acme/login")
    assert stays.header("Location") == "/shop/acme/login"


async def test_it_can_be_switched_off(prefixed: Running, backend: RawUpstream) -> None:
    reply = await get(prefixed, backend, "/as-it-came/7", LOCATION, COOKIE)
    assert (reply.header("Location"), reply.header("Set-Cookie")) == ("/login", "a=b; Path=/")


async def test_without_a_prefix_paths_stay(prefixed: Running, backend: RawUpstream) -> None:
    reply = await get(prefixed, backend, "/whole/7", LOCATION, COOKIE)
    assert (reply.header("Location"), reply.header("Set-Cookie")) == ("/login", "a=b; Path=/")


async def test_plugins_see_what_the_client_gets(prefixed: Running, backend: RawUpstream) -> None:
    reply = await get(prefixed, backend, "/seen/7", LOCATION, "Server: x")
    assert (reply.header("Location"), reply.header("Server")) == ("/seen/login", None)


async def test_in_a_response_of_any_shape(prefixed: Running, backend: RawUpstream) -> None:
    chunked = f"HTTP/1.1 201 Created\r\n{LOCATION}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    backend.reset(says(chunked.encode()))
    async with await prefixed.connect() as client:
        reply = await client.ask(request("/orders/7", method="POST", body=b"x"))
        assert (reply.status, reply.header("Location"), reply.content) == (201, "/orders/login", b"ok")
        backend.reset(says(answer("302 Found", b"", LOCATION)))
        head = await client.ask(request("/orders/7", method="HEAD"), body=False)
        assert head.header("Location") == "/orders/login"


async def test_on_a_connection_that_is_upgraded(prefixed: Running, backend: RawUpstream) -> None:
    async def switch(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(f"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n{COOKIE}\r\n\r\n".encode())
        return False

    backend.reset(switch)
    async with await prefixed.connect() as client:
        await client.send(request("/orders/7", "Connection: Upgrade", "Upgrade: echo"))
        reply = RawMessage(await client.reader.readuntil(b"\r\n\r\n"))
    assert reply.header("Set-Cookie") == "a=b; Path=/orders"


async def test_a_client_without_a_host_gets_a_path(prefixed: Running, backend: RawUpstream) -> None:
    backend.reset(says(answer("302 Found", b"", f"Location: {backend.url}/login")))
    port = urlsplit(prefixed.http).port
    async with await RawClient.connect("127.0.0.1", int(port or 0)) as client:
        reply = await client.ask(b"GET /orders/7 HTTP/1.0\r\n\r\n")
    assert reply.header("Location") == "/orders/login"
