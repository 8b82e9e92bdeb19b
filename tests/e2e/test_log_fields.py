"""`logging.fields`: further fields of access log lines, on both ways through the gateway."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from tests.e2e.conftest import CLIENT, SECRET, StartGateway, configuration, token
from tests.raw import RawUpstream
from tests.running import Running

FIELDS = [
    "agent", "host", "protocol", "upstream", "upstream_connect", "upstream_response",
    "error", "trace_id", "token_id",
]  # fmt: skip
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(params=["fast_path", "aiohttp"])
def running(request: pytest.FixtureRequest, gateway: StartGateway, upstream: RawUpstream) -> Running:
    logging = {"level": "info", "format": "json", "access": True, "fields": FIELDS}
    fast = request.param == "fast_path"
    return gateway(configuration(upstream.url, server={"fast_lane": fast}, logging=logging))


async def line(running: Running, pattern: str) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(await running.line(pattern))
    return {name: entry[name] for name in entry if name in {*FIELDS, "grant", "claimed", "client"}}


async def test_lines_have_the_chosen_fields_and_never_the_token(
    running: Running, upstream: RawUpstream
) -> None:
    issued = (await token(running, scope="orders.read"))["access_token"]
    name = sha256(issued.encode()).hexdigest()[:16]
    headers = {
        "Authorization": f"Bearer {issued}",
        "User-Agent": "shop/1",
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
    }
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in ("/orders", "/nowhere"):
            async with session.get(running.http + path) as response:
                await response.read()
        async with session.get(f"{running.http}/orders", headers={"Authorization": "Bearer no"}) as response:
            assert response.status == 401
    host = running.http.removeprefix("http://")
    seen = {"agent": "shop/1", "host": host, "protocol": "HTTP/1.1", "trace_id": TRACE}
    nothing = {"upstream": None, "upstream_connect": None, "upstream_response": None, "token_id": None}
    answered = await line(running, '"/orders", "status": 200')
    assert 0 <= answered.pop("upstream_connect") < 5
    assert 0 < answered.pop("upstream_response") < 5
    assert answered == seen | {"client": CLIENT, "error": None, "upstream": upstream.url, "token_id": name}
    assert await line(running, '"status": 404') == seen | nothing | {"client": "-", "error": "404"}
    assert await line(running, '"status": 401') == seen | nothing | {"client": "-", "error": "900901"}
    granted = await line(running, '"/token", "status": 200')
    assert (granted["token_id"], granted["grant"]) == (name, "client_credentials")
    login = {"Authorization": aiohttp.encode_basic_auth(CLIENT, SECRET)}
    async with (
        aiohttp.ClientSession(headers=login) as session,
        session.post(f"{running.http}/introspect", data={"token": issued}) as response,
    ):
        assert (await response.json())["active"] is True
    assert (await line(running, '"/introspect", "status": 200'))["token_id"] is None, "none is issued there"
    assert issued not in running.output


async def test_what_the_upstream_did_is_reported(gateway: StartGateway, upstream: RawUpstream) -> None:
    logging = {"level": "info", "format": "text", "access": True, "fields": ["upstream", "error"]}
    running = gateway(configuration("http://127.0.0.1:1", logging=logging))
    async with aiohttp.ClientSession() as session, session.get(f"{running.http}/open") as response:
        assert response.status == 502
    assert (await running.line("GET /open 502")).endswith(" upstream=http://127.0.0.1:1 error=101503")


async def test_the_token_endpoint_names_grant_outcome_and_who_claimed_to_call(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    logging = {"level": "info", "format": "json", "access": True}
    running = gateway(configuration(upstream.url, logging=logging))
    await token(running)
    async with aiohttp.ClientSession() as session:
        for path, secret, form in (
            ("/token", SECRET, {"scope": "no.such"}),
            ("/token", "wrong", {}),
            ("/revoke", "wrong", {"token": "x"}),
        ):
            login = {"Authorization": aiohttp.encode_basic_auth(CLIENT, secret)}
            data = {"grant_type": "client_credentials", **form}
            async with session.post(running.http + path, data=data, headers=login) as response:
                assert response.status in (400, 401)
    grant = {"grant": "client_credentials"}
    granted = json.loads(await running.line('"/token", "status": 200'))
    assert (granted["client"], granted["grant"], "error" in granted) == (CLIENT, grant["grant"], False)
    refused = json.loads(await running.line('"/token", "status": 400'))
    assert (refused["client"], refused["error"]) == (CLIENT, "invalid_scope")
    for path in ("/token", "/revoke"):
        stranger = json.loads(await running.line(f'"{path}", "status": 401'))
        assert (stranger["client"], stranger["claimed"]) == ("-", CLIENT)
        assert stranger["error"] == "invalid_client"
