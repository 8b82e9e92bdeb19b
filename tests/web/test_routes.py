"""Routes by template, header, query and case, as callers and upstreams see them, on both ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Valkey
from tests.raw import RawUpstream
from tests.running import Running
from tests.web_gateway import ask_for_token, problem, request, web_config


def _routes(url: str) -> list[dict[str, Any]]:
    """Each leads to a base path of its own at the one upstream."""
    return [
        {"path": "/shop", "upstream": f"{url}/old", "auth": "none", "strip_prefix": False},
        {"path": "/shop", "upstream": f"{url}/new", "auth": "none", "where": {"headers": {"X-Version": "2"}}},
        {
            "path": "/shop",
            "upstream": f"{url}/beta",
            "auth": "none",
            "where": {"query": {"b": "1", "c": "2"}},
        },
        {"path": "/orders/{id}/invoices", "methods": ["GET"], "upstream": url, "scopes": ["read"]},
        {"path": "/orders/{id}/invoices", "methods": ["POST"], "upstream": url, "scopes": ["write"]},
        {"path": "/orders/{id}/export", "methods": ["GET", "PUT"], "upstream": url, "auth": "none"},
        {"path": "/Cats", "upstream": f"{url}/cats", "auth": "none", "case_sensitive": False},
        {"path": "/secret", "upstream": f"{url}/two", "where": {"headers": {"X-Version": "2"}}},
        {
            "path": "/cors/{id}",
            "upstream": url,
            "where": {"headers": {"X-Version": "2"}},
            "plugins": [
                {"use": "cors", "with": {"origins": ["https://app.example"], "headers": ["X-Version"]}}
            ],
        },
    ]


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def gateway(
    request: pytest.FixtureRequest,
    upstream_server: RawUpstream,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    config = web_config(upstream_server, valkey.url, "routes:", fast_lane=request.param)
    config["routes"] = _routes(upstream_server.url)
    folder: Path = tmp_path_factory.mktemp("routes")
    running = Running(config, folder)
    running.await_ready()
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("target", "headers", "sent"),
    [
        ("/shop/1", (), "/old/shop/1"),
        ("/shop/1", ("X-Version: 1",), "/old/shop/1"),
        ("/shop/1", ("X-Version: 2",), "/new/1"),
        ("/shop/1", ("x-VERSION:2",), "/new/1"),
        ("/shop/1?c=2&b=1", (), "/beta/1?c=2&b=1"),
        ("/shop/1?c=2", (), "/old/shop/1?c=2"),
        ("/shop/1?c=2&b=1", ("X-Version: 2",), "/beta/1?c=2&b=1"),
        ("/cats/1", (), "/cats/1"),
        ("/CATS/Tom?X=1", (), "/cats/Tom?X=1"),
    ],
)
async def test_the_condition_and_the_case_choose_the_upstream(
    gateway: Running, upstream: RawUpstream, target: str, headers: tuple[str, ...], sent: str
) -> None:
    client = await gateway.connect()
    for _ in range(2):  # the second time the head is known
        assert (await client.ask(request(target, *headers))).status == 200
    assert (await upstream.next()).first_line == f"GET {sent} HTTP/1.1"
    assert (await upstream.next(2)).first_line == f"GET {sent} HTTP/1.1"
    await client.close()


async def test_requests_that_differ_in_the_header_alone_do_not_share_a_route(
    gateway: Running, upstream: RawUpstream
) -> None:
    client = await gateway.connect()
    for number, (version, base) in enumerate([("1", "/old/shop"), ("2", "/new"), ("1", "/old/shop")], 1):
        await client.ask(request("/shop/x", f"X-Version: {version}"))
        assert (await upstream.next(number)).first_line == f"GET {base}/x HTTP/1.1"
    await client.close()


async def test_operations_have_scopes_of_their_own_and_the_path_goes_on_whole(
    gateway: Running, upstream: RawUpstream
) -> None:
    client = await gateway.connect()
    reader = json.loads((await ask_for_token(client, "scope=read")).content)
    bearer = f"Authorization: Bearer {reader['access_token']}"
    assert (await client.ask(request("/orders/7/invoices?a=1", bearer))).status == 200
    assert (await upstream.next()).first_line == "GET /orders/7/invoices?a=1 HTTP/1.1"
    refused = await client.ask(request("/orders/7/invoices", bearer, method="POST"))
    assert (refused.status, problem(refused)["code"]) == (403, "900910")
    assert 'scope="write"' in str(refused.header("WWW-Authenticate"))
    assert "/.well-known/oauth-protected-resource/orders" in str(refused.header("WWW-Authenticate"))
    metadata = await client.ask(request("/.well-known/oauth-protected-resource/orders"))
    document = json.loads(metadata.content)
    assert document["resource"] == "https://gateway.example/orders"
    assert document["scopes_supported"] == ["read", "write"]
    await client.close()


async def test_a_wrong_method_is_told_all_that_there_are(gateway: Running) -> None:
    client = await gateway.connect()
    reply = await client.ask(request("/orders/7/invoices", method="DELETE"))
    assert (reply.status, reply.header("Allow")) == (405, "GET, POST")
    assert (await client.ask(request("/orders/7/other"))).status == 404
    assert (await client.ask(request("/orders//invoices"))).status == 404
    await client.close()


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/secret", (), 404),
        ("/secret", ("X-Version: 2",), 401),
        ("/secret", ("X-Version: 2", "X-Version: 1"), 400),
        ("/secret", ("X_Version: 2",), 400),
        ("/shop?b=1&b=2&c=2", (), 400),
        ("/orders/7%2Fexport", (), 400),
        ("/orders/a/Invoices", (), 400),
        ("/orders/a/invoices;x", (), 400),
        ("/Shop", (), 400),
    ],
)
async def test_what_could_be_read_as_another_route_is_refused(
    gateway: Running, target: str, headers: tuple[str, ...], status: int
) -> None:
    client = await gateway.connect()
    for _ in range(2):
        assert (await client.ask(request(target, *headers))).status == status
    await client.close()


async def test_a_preflight_is_answered_by_the_route_whose_header_it_names(gateway: Running) -> None:
    client = await gateway.connect()
    asks = ("Origin: https://app.example", "Access-Control-Request-Method: GET")
    allowed = await client.ask(
        request("/cors/7", *asks, "Access-Control-Request-Headers: x-version", method="OPTIONS"), body=False
    )
    assert allowed.status == 204
    assert allowed.header("Access-Control-Allow-Origin") == "https://app.example"
    assert (await client.ask(request("/cors/7", *asks, method="OPTIONS"))).status == 404
    await client.close()
