"""`gatepost why`: the cause of each refusal, on both ways through the gateway."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import aiohttp
import pytest

from tests.commands.conftest import gatepost
from tests.e2e.conftest import CLIENT, SECRET, StartGateway, configuration, token
from tests.raw import RawUpstream
from tests.running import Running


@pytest.fixture(params=["fast_path", "aiohttp"])
def running(
    request: pytest.FixtureRequest,
    gateway: StartGateway,
    upstream: RawUpstream,
    monkeypatch: pytest.MonkeyPatch,
) -> Running:
    fast = request.param == "fast_path"
    logging = {"level": "info", "format": "json", "access": True}
    server = {"fast_lane": fast, "trusted_proxies": ["127.0.0.1"]}
    config = configuration(upstream.url, server=server, logging=logging)
    config["routes"].append({"path": "/dead", "upstream": "http://127.0.0.1:1", "auth": "none"})
    running = gateway(config)
    monkeypatch.chdir(running.file.parent)
    return running


async def refused(running: Running, path: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, running.http + path) as response,
    ):
        problem: dict[str, Any] = await response.json()
        assert response.status == problem["status"]
        return problem


async def why(request_id: str) -> dict[str, Any]:
    # In a thread: the command has an event loop of its own.
    result = await asyncio.to_thread(gatepost, "why", request_id, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


async def test_a_missing_scope_is_named_with_what_the_token_had(running: Running) -> None:
    bearer = {"Authorization": f"Bearer {(await token(running, scope='test'))['access_token']}"}
    problem = await refused(running, "/orders/7?secret=1", **bearer)
    facts = await why(problem["request_id"])
    assert (facts["status"], facts["code"], facts["route"]) == (403, "900910", "/orders")
    assert (facts["client"], facts["scopes_needed"]) == (CLIENT, ["orders.read"])
    assert set(facts["scopes_had"]) == {"test", "am_application_scope"}
    words = (await asyncio.to_thread(gatepost, "why", problem["request_id"])).stdout
    assert "GET /orders/7 got 403 (900910)" in words
    assert "missing scopes: orders.read" in words
    assert "secret" not in words
    assert bearer["Authorization"].removeprefix("Bearer ") not in words + json.dumps(facts)


async def test_a_token_that_is_not_valid_is_explained(running: Running) -> None:
    made_up = await refused(running, "/orders", Authorization="Bearer made-up")
    issued = (await token(running))["access_token"]
    login = aiohttp.encode_basic_auth(CLIENT, SECRET)
    async with aiohttp.ClientSession(headers={"Authorization": login}) as session:
        await session.post(f"{running.http}/revoke", data={"token": issued})
    revoked = await refused(running, "/orders", Authorization=f"Bearer {issued}")
    assert "It was not issued here" in (await why(made_up["request_id"]))["reason"]
    assert "has expired or been revoked" in (await why(revoked["request_id"]))["reason"]


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/orders", 401, "This route needs an access token."),
        ("GET", "/nowhere", 404, "No route leads there."),
        ("GET", "/open%2f..%2forders", 400, "dot segment"),
    ],
)
async def test_every_refusal_of_a_request_has_its_reason(
    running: Running, method: str, path: str, status: int, reason: str
) -> None:
    problem = await refused(running, path, method)
    facts = await why(problem["request_id"])
    assert (facts["status"], facts["method"]) == (status, method)
    assert reason in facts["reason"]


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/orders/7", 401, "This route needs an access token."),
        ("PURGE", "/nowhere", 404, "No route leads there."),
    ],
)
async def test_a_request_that_another_proxy_asks_about_has_its_reason(
    running: Running, method: str, path: str, status: int, reason: str
) -> None:
    asked = {"X-Original-Method": method, "X-Original-URL": path + "?secret=1"}
    facts = await why((await refused(running, "/auth/verify", **asked))["request_id"])
    assert (facts["status"], facts["method"], facts["path"]) == (status, method, path)
    assert reason in facts["reason"]


async def test_an_upstream_that_fails_is_named_with_the_cause(running: Running) -> None:
    problem = await refused(running, "/dead")
    assert "connection refused" in (await why(problem["request_id"]))["reason"]


async def test_a_refused_client_is_reported_as_claimed_until_it_has_proven_who_it_is(
    running: Running,
) -> None:
    async with aiohttp.ClientSession() as session:
        for secret, form in ((SECRET, {"scope": "no.such"}), ("wrong", {})):
            login = {"Authorization": aiohttp.encode_basic_auth(CLIENT, secret)}
            data = {"grant_type": "client_credentials", **form}
            async with session.post(f"{running.http}/token", data=data, headers=login) as response:
                assert response.status in (400, 401)
    line = await running.line('"/token", "status": 401')
    wrong_secret = await why(json.loads(line)["request_id"])
    assert (wrong_secret["client"], wrong_secret["claimed"]) == ("", CLIENT)
    assert wrong_secret["reason"] == "wrong secret"
    known = json.loads(await running.line('"/token", "status": 400'))
    assert known["client"] == CLIENT
    wrong_scope = await why(known["request_id"])
    assert (wrong_scope["client"], wrong_scope["grant"]) == (CLIENT, "client_credentials")
    assert wrong_scope["code"] == "invalid_scope"


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"GET / HTTP/3.0\r\n\r\n", b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"]
)
async def test_what_is_no_request_has_an_access_line_and_a_reason(running: Running, sent: bytes) -> None:
    async with await running.connect() as connection:
        answer = await connection.ask(sent)
    request_id = json.loads(answer.body)["request_id"]
    line = json.loads(await running.line(request_id))
    assert (line["status"], line["address"]) == (answer.status, "127.0.0.1")
    assert (await why(request_id))["status"] == answer.status


def test_an_unknown_request_is_said_so_in_one_line(running: Running) -> None:
    result = gatepost("why", str(uuid.uuid4()))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no refusal of" in result.stderr


async def test_the_management_listener_tells_the_same_as_json(running: Running) -> None:
    problem = await refused(running, "/dead")
    facts = await why(problem["request_id"])
    async with aiohttp.ClientSession(running.management) as session:
        async with session.get(f"/why/{problem['request_id']}") as response:
            assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
            assert await response.json() == facts
        async with session.get(f"/why/{uuid.uuid4().hex}") as response:
            assert response.status == 404
            assert "no refusal of this request is known" in (await response.json())["error"]
    assert "onnection refused" in facts["reason"], "operators are told of the upstream"
    assert facts["detail"] == problem["detail"], "callers are told less"
