"""The composition root: a configuration becomes a gateway, and a reload another beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from gateway.app import Gateway
from gateway.config.load import load_text
from gateway.errors import StartError
from gateway.plugin import Exchange, PluginConfig, ProxyPlugin
from gateway.plugin.catalog import PluginCatalog
from gateway.telemetry import Telemetry
from tests.conftest import Valkey
from tests.garbage import found_by_the_collector
from tests.raw import RawClient, raw_upstream, until
from tests.web_gateway import request

LIVES: list[str] = []


class Lives(ProxyPlugin):
    """Notes its life; may fail to start."""

    class Config(PluginConfig):
        fails: bool = False

    async def start(self) -> None:
        LIVES.append("start")
        if self.config.fails:
            raise StartError("the plugin will not start")

    async def stop(self) -> None:
        LIVES.append("stop")

    def on_request(self, exchange: Exchange) -> None: ...


CONFIG = """\
tokens: {{key: {key}, format: {form}}}
server: {{public_url: "https://gate.example", state_dir: "{state}"}}
clients: [{{id: demo, secrets: [demo-secret], scopes: [read]}}]
routes:
  - {{path: /orders, upstream: "http://127.0.0.1:1", scopes: [read]}}
"""

Make = Callable[..., Gateway]


@pytest.fixture
def make(valkey: Valkey, prefix: str, tmp_path: Path) -> Make:
    """Makes gateways on the suite's store, with keys of this test only."""
    LIVES.clear()

    def made(more: str = "", *, key: str = "k", form: str = "opaque", **parts: Any) -> Gateway:
        text = (
            CONFIG.format(key=key * 32, form=form, state=tmp_path) + f"store: {{prefix: '{prefix}'}}\n" + more
        )
        settings = load_text(text, {}, PluginCatalog())
        return Gateway(settings, **{"store_url": valkey.url, "telemetry": Telemetry(), **parts})

    return made


@asynccontextmanager
async def served(gateway: Gateway) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a gateway that has been started and listens."""
    await gateway.start()
    try:
        site = web.TCPSite(gateway.runner, "127.0.0.1", 0)
        await site.start()
        async with aiohttp.ClientSession(site.name.replace("127.0.0.1:0", _address(gateway))) as session:
            yield session
    finally:
        await gateway.stop()


def _address(gateway: Gateway) -> str:
    host, port = gateway.runner.addresses[0]
    return f"{host}:{port}"


async def token(session: aiohttp.ClientSession, **form: str) -> dict[str, Any]:
    login = {"Authorization": aiohttp.encode_basic_auth("demo", "demo-secret")}
    data = {"grant_type": "client_credentials", **form}
    async with session.post("/token", data=data, headers=login) as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found


async def status(session: aiohttp.ClientSession, path: str, bearer: str | None = None) -> int:
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    async with session.get(path, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def test_every_part_is_in_its_place(make: Make) -> None:
    async with served(make()) as session:
        issued = (await token(session, scope="read"))["access_token"]
        assert await status(session, "/orders") == 401
        assert await status(session, "/orders", issued) == 502, "nobody listens behind it"
        assert await status(session, "/nowhere") == 404
        assert await status(session, "/jwks") == 200
        assert await status(session, "/.well-known/oauth-protected-resource/orders") == 200
        async with session.get("/.well-known/oauth-authorization-server") as answer:
            assert (await answer.json())["issuer"] == "https://gate.example"


async def test_two_gateways_with_one_key_and_store_are_one(make: Make) -> None:
    async with served(make()) as one, served(make()) as other:
        issued = (await token(one, scope="read"))["access_token"]
        assert (await token(other, scope="read"))["access_token"] == issued
        assert await status(other, "/orders", issued) == 502
    async with served(make(key="x")) as stranger:
        assert await status(stranger, "/orders", issued) == 401


# aiohttp-session keeps the session under a plain name, which the process of a gateway never hears of.
@pytest.mark.filterwarnings("ignore:It is recommended to use web.RequestKey")
@pytest.mark.parametrize(("portal", "found"), [("portal: {enabled: false}", 404), ("", 200)])
async def test_the_portal_is_there_where_it_is_switched_on(make: Make, portal: str, found: int) -> None:
    async with served(make(portal)) as session:
        # As whoever was sent to the portal's HTTPS, which a proxy ends: nobody is sent there twice.
        assert await status(session, "/portal/sign-in?https=1") == found


async def test_what_the_file_says_of_tokens_is_what_the_endpoint_does(make: Make) -> None:
    more = "scopes: {default: [basic], application: null}\ngrants: {refresh_token: {enabled: true}}\n"
    async with served(make(more)) as session:
        answer = await token(session, validity_period="77")
        assert (answer["scope"], answer["expires_in"]) == ("basic", 77)
        assert "refresh_token" not in answer


async def test_a_reload_makes_another_that_lives_beside_it(make: Make) -> None:
    telemetry = Telemetry()
    async with served(make(telemetry=telemetry)) as old:
        issued = (await token(old, scope="read"))["access_token"]
        async with served(make(telemetry=telemetry)) as new:
            assert await status(new, "/orders", issued) == 502
        assert await status(old, "/orders", issued) == 502
    counted = telemetry.render()[0].decode()
    assert 'gatepost_requests_total{method="GET",route="/orders",status="502"} 2.0' in counted


async def test_plugins_start_and_stop_with_it_also_when_one_fails(make: Make) -> None:
    here = f"{__name__}:Lives"
    async with served(make(f"plugins: [{{use: '{here}'}}]")):
        assert LIVES == ["start"]
    assert LIVES == ["start", "stop"]
    LIVES.clear()
    broken = make(f"plugins: [{{use: '{here}', with: {{fails: true}}}}]")
    with pytest.raises(StartError, match="the plugin will not start"):
        await broken.start()
    await broken.stop()
    assert LIVES == ["start", "stop"]


async def test_it_can_be_stopped_before_it_was_started(make: Make) -> None:
    await make().stop()


@pytest.mark.parametrize(("form", "keys"), [("jwt", 1), ("opaque", 0)])
async def test_a_signing_key_is_there_before_the_first_token_where_one_is_needed(
    make: Make, form: str, keys: int
) -> None:
    async with served(make(form=form)) as session, session.get("/jwks") as answer:
        assert len((await answer.json())["keys"]) == keys


async def test_without_a_store_it_starts_and_gives_nobody_a_token(make: Make, own_valkey: Valkey) -> None:
    own_valkey.kill()
    async with served(make(form="jwt", store_url=own_valkey.url)) as session:
        login = {"Authorization": aiohttp.encode_basic_auth("demo", "demo-secret")}
        async with session.post("/token", data={"grant_type": "client_credentials"}, headers=login) as answer:
            assert (answer.status, "Retry-After" in answer.headers) == (503, True)


OPEN = """\
server: {{state_dir: "{state}"}}
tokens: {{key: kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk}}
routes: [{{path: /open, upstream: "{upstream}", auth: none, strip_prefix: false}}]
"""


async def left_by(
    gateway: Gateway, session: aiohttp.ClientSession, asked: Sequence[bytes], status: int
) -> Counter[str]:
    """What requests, each on a connection of its own, leave to the collector."""
    port = urlsplit(str(session._base_url)).port
    assert port is not None
    with found_by_the_collector() as found:
        for each in asked:
            async with await RawClient.connect("127.0.0.1", port) as client:
                assert (await client.ask(each)).status == status
        assert gateway.runner.server is not None
        await until(lambda: not gateway.runner.server.connections)  # type: ignore[union-attr]  # as above
    return found


@pytest.mark.parametrize("header", ["X-A: plain", "TE: trailers", "Connection: close"])
async def test_requests_leave_nothing_to_the_garbage_collector(
    valkey: Valkey, tmp_path: Path, header: str
) -> None:
    with raw_upstream() as upstream:
        settings = load_text(OPEN.format(state=tmp_path, upstream=upstream.url), {}, PluginCatalog())
        gateway = Gateway(settings, store_url=valkey.url, telemetry=Telemetry())
        async with served(gateway) as session:
            assert not await left_by(gateway, session, [request("/open", header)] * 10, 200)


TOKENS = """\
server: {{state_dir: "{state}"}}
tokens: {{key: kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk}}
clients: [{{id: demo, secrets: [demo-secret]}}]
"""
BASIC = "Authorization: Basic ZGVtbzpkZW1vLXNlY3JldA=="
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.mark.parametrize("more", ["", "&validity_period=60", "&scope=unknown"])
@pytest.mark.parametrize("header", ["X-A: plain", "TE: trailers"])
async def test_nor_do_requests_for_tokens(valkey: Valkey, tmp_path: Path, header: str, more: str) -> None:
    settings = load_text(TOKENS.format(state=tmp_path), {}, PluginCatalog())
    gateway = Gateway(settings, store_url=valkey.url, telemetry=Telemetry())
    body = b"grant_type=client_credentials" + more.encode()
    asked = request("/token", header, BASIC, FORM, method="POST", body=body)
    async with served(gateway) as session:
        assert not await left_by(gateway, session, [asked] * 10, 400 if "scope" in more else 200)


@pytest.mark.parametrize(("kind", "status"), [("live", 200), ("revoked", 401), ("forged", 401)])
@pytest.mark.parametrize("header", ["X-A: plain", "TE: trailers"])
async def test_nor_do_tokens_that_a_worker_has_not_seen(
    valkey: Valkey, tmp_path: Path, header: str, kind: str, status: int
) -> None:
    with raw_upstream() as upstream:
        routes = f'routes: [{{path: /orders, upstream: "{upstream.url}", strip_prefix: false}}]\n'
        settings = load_text(TOKENS.format(state=tmp_path) + routes, {}, PluginCatalog())
        async with served(Gateway(settings, store_url=valkey.url, telemetry=Telemetry())) as session:
            issued = [(await token(session, validity_period="600"))["access_token"] for _ in range(10)]
            for each in issued if kind == "revoked" else ():
                login = aiohttp.encode_basic_auth("demo", "demo-secret")
                await session.post("/revoke", data={"token": each}, headers={"Authorization": login})
        shown = [each[:-1] + "-" for each in issued] if kind == "forged" else issued
        gateway = Gateway(settings, store_url=valkey.url, telemetry=Telemetry())
        async with served(gateway) as session:
            asked = [request("/orders", header, f"Authorization: Bearer {each}") for each in shown]
            assert not await left_by(gateway, session, asked, status)
