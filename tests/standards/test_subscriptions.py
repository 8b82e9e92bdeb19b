"""Routes with `access: request`, at a real gateway: who may call them, and until when."""

from __future__ import annotations

import json
import time
from asyncio import to_thread
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.bounds import mostly_within
from tests.conftest import Valkey
from tests.standards.caller import ISSUER, Caller, basic, client, served, standard_config

KEY = "api-key-of-a-subscriber-01"
ASK = f"This API needs a subscription. Ask for one at {ISSUER}/portal/subscriptions."


@pytest.fixture(scope="module", params=["fast_path-opaque", "aiohttp-jwt"])
def caller(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str
) -> Iterator[Caller]:
    way, _, form = request.param.partition("-")
    folder = tmp_path_factory.mktemp("subscriptions")
    store = {"url": valkey.url, "prefix": f"subscriptions-{way}:"}
    config = standard_config(folder, upstream, store=store, tokens={"format": form})
    config["server"] |= {"fast_lane": way == "fast_path", "trusted_proxies": ["127.0.0.1"]}
    config["clients"] = [
        client("shop", scopes=["read"], subscriptions=["Orders"], api_keys=[KEY]),
        client("other", scopes=["read"], api_keys=[KEY + "-other"]),
    ]
    orders = {"upstream": upstream, "access": "request", "docs": {"title": "Orders"}}
    config["routes"] = [
        {"path": "/any", "upstream": upstream},
        {"path": "/orders", "scopes": ["read"], **orders},
        {"path": "/returns", **orders, "plugins": [{"use": "api_key"}]},
        {"path": "/billing", "upstream": upstream, "access": "request"},
    ]
    with served(config, folder) as asked:
        yield asked


def gatepost(caller: Caller, *words: str) -> Any:
    result = CliRunner().invoke(main, [*words], env={"GATEPOST_CONFIG": str(caller.running.file)})
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if result.stdout[:1] in ("{", "[") else result.stdout


def test_only_a_client_with_a_subscription_calls_the_api(caller: Caller) -> None:
    mine, others = caller.token(scope="read"), caller.token(by="other", scope="read")
    assert [caller.get(path, mine).status for path in ("/any", "/orders", "/returns")] == [200] * 3
    assert caller.get("/any", others).status == 200
    for path, token in (("/orders", others), ("/returns/7", others), ("/billing", mine)):
        refused = caller.get(path, token)
        assert (refused.status, refused.json["code"], refused.json["detail"]) == (403, "900908", ASK)
        assert refused.json["title"] == "Not subscribed"
    # The scope comes first, and no token at all before that.
    assert caller.get("/orders", caller.token()).json["code"] == "900910"
    assert caller.get("/orders").json["code"] == "900902"


def test_an_api_key_calls_what_its_client_is_subscribed_to(caller: Caller) -> None:
    mine = caller.ask("GET", "/returns", headers={"X-API-Key": KEY})
    others = caller.ask("GET", "/returns", headers={"X-API-Key": KEY + "-other"})
    assert (mine.status, others.status, others.json["code"]) == (200, 403, "900908")


def test_a_proxy_that_asks_is_told_the_same(caller: Caller) -> None:
    def verified(token: str) -> int:
        headers = {"X-Original-Method": "GET", "X-Original-URL": f"{ISSUER}/orders/7"}
        return caller.ask(
            "GET", "/auth/verify", headers={**headers, "Authorization": f"Bearer {token}"}
        ).status

    assert verified(caller.token(scope="read")) == 200
    assert verified(caller.token(by="other", scope="read")) == 403


def test_why_names_the_api(caller: Caller) -> None:
    request_id = caller.get("/billing", caller.token()).json["request_id"]
    deadline = time.monotonic() + 20
    while True:
        ran = CliRunner().invoke(main, ["why", request_id], env={"GATEPOST_CONFIG": str(caller.running.file)})
        if ran.exit_code == 0:
            break
        assert time.monotonic() < deadline, ran.output
    assert "the client shop has no approved subscription to the API /billing" in ran.stdout


async def test_a_subscription_of_the_store_holds_until_it_is_ended(caller: Caller) -> None:
    made = await to_thread(
        gatepost, caller, "client", "create", "--id", "kept", "--scope", "read", "--subscription", "Orders"
    )
    asked = caller.ask(
        "POST",
        "/token",
        b"grant_type=client_credentials&scope=read",
        {"Content-Type": "application/x-www-form-urlencoded", **basic("kept", made["client_secret"])},
    )
    token = asked.json["access_token"]
    assert [caller.get(path, token).status for path in ("/orders", "/orders", "/billing")] == [200, 200, 403]

    async def ended() -> float:
        # The token stays: it is the subscription that the gateway asks for.
        await to_thread(gatepost, caller, "client", "update", "kept", "--unset", "subscriptions")
        done = time.monotonic()
        while caller.get("/orders", token).status != 403:
            assert time.monotonic() < done + 10, "the client is still let in"
        taken = time.monotonic() - done
        assert caller.get("/any", token).status == 200
        await to_thread(gatepost, caller, "client", "update", "kept", "--subscription", "Orders")
        while caller.get("/orders", token).status != 200:
            assert time.monotonic() < done + 20, "the client is not let in again"
        return taken

    await mostly_within(0.1, ended)
    await to_thread(gatepost, caller, "client", "delete", "kept")


def test_explain_and_test_know_the_subscriptions_of_the_file(caller: Caller, tmp_path: Path) -> None:
    def explained(client_id: str) -> dict[str, Any]:
        found: dict[str, Any] = gatepost(caller, "explain", "GET", "/orders", "--client", client_id, "--json")
        return found

    assert explained("shop")["client"]["status"] == 200
    refused = explained("other")
    assert refused["client"]["status"] == 403
    assert refused["client"]["reason"] == "the client other has no subscription to the API Orders"
    assert refused["access"].endswith("of a client that is subscribed to Orders")
    file = tmp_path / "expectations.yaml"
    file.write_text(
        "tests:\n  - {request: GET /orders, client: shop, expect: {status: 200}}\n"
        "  - {request: GET /orders, client: other, expect: {status: 403}}\n"
        "  - {request: GET /billing, client: shop, expect: {status: 403}}\n"
    )
    assert "3 of 3 expectations hold" in gatepost(caller, "test", str(file))
