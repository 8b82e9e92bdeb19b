"""`gatepost why`: the cause of each refusal, on both ways through the gateway."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis import Redis

from tests.client_keys import Signer, b64
from tests.commands.conftest import gatepost
from tests.conftest import Valkey
from tests.e2e.conftest import CLIENT, SECRET, StartGateway, configuration, token
from tests.raw import RawUpstream, until
from tests.running import Running

CORP = Signer("RS256", kid="corp")
"""The key of another issuer."""
Why = Callable[[str], Awaitable[dict[str, Any]]]


@pytest.fixture(params=["fast_path", "aiohttp"])
def running(
    request: pytest.FixtureRequest,
    gateway: StartGateway,
    upstream: RawUpstream,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Running:
    fast = request.param == "fast_path"
    logging = {"level": "info", "format": "json", "access": True}
    server = {"fast_lane": fast, "trusted_proxies": ["127.0.0.1"]}
    config = configuration(upstream.url, server=server, logging=logging)
    config["routes"].append({"path": "/dead", "upstream": "http://127.0.0.1:1", "auth": "none"})
    config["routes"].append({"path": "/corp", "upstream": upstream.url, "issuers": ["corp"]})
    keys = tmp_path / "corp.json"
    keys.write_text(json.dumps(CORP.jwks))
    corp = {
        "issuer": "https://corp.example.org",
        "jwks_file": str(keys),
        "audiences": ["https://api.example.org"],
    }
    config["issuers"] = {"corp": corp}
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


@pytest.fixture
def why(valkey: Valkey, prefix: str) -> Why:
    """What the command says of a refusal as JSON, once the worker has written it down, which it does every
    second: the command itself looks a second time only after a second and a half.
    """

    def is_written(client: Redis, request_id: str) -> bool:
        return any(request_id.encode() in entry[b"facts"] for _, entry in client.xrange(f"{prefix}refusals"))

    async def facts(request_id: str) -> dict[str, Any]:
        with valkey.client as client:
            await until(lambda: is_written(client, request_id))
        return await told(request_id)

    return facts


async def told(request_id: str) -> dict[str, Any]:
    # In a thread: the command has an event loop of its own.
    result = await asyncio.to_thread(gatepost, "why", request_id, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


async def test_a_missing_scope_is_named_with_what_the_token_had(running: Running) -> None:
    bearer = {"Authorization": f"Bearer {(await token(running, scope='test'))['access_token']}"}
    problem = await refused(running, "/orders/7?secret=1", **bearer)
    facts = await told(problem["request_id"])
    assert (facts["status"], facts["code"], facts["route"]) == (403, "900910", "/orders")
    assert (facts["client"], facts["scopes_needed"]) == (CLIENT, ["orders.read"])
    assert set(facts["scopes_had"]) == {"test", "am_application_scope"}
    words = (await asyncio.to_thread(gatepost, "why", problem["request_id"])).stdout
    assert "GET /orders/7 got 403 (900910)" in words
    assert "missing scopes: orders.read" in words
    assert "secret" not in words
    assert bearer["Authorization"].removeprefix("Bearer ") not in words + json.dumps(facts)


async def test_a_token_that_is_not_valid_is_explained(running: Running, why: Why) -> None:
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
    running: Running, why: Why, method: str, path: str, status: int, reason: str
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
    running: Running, why: Why, method: str, path: str, status: int, reason: str
) -> None:
    asked = {"X-Original-Method": method, "X-Original-URL": path + "?secret=1"}
    facts = await why((await refused(running, "/auth/verify", **asked))["request_id"])
    assert (facts["status"], facts["method"], facts["path"]) == (status, method, path)
    assert reason in facts["reason"]


async def test_an_upstream_that_fails_is_named_with_the_cause(running: Running, why: Why) -> None:
    problem = await refused(running, "/dead")
    assert "connection refused" in (await why(problem["request_id"]))["reason"]


async def test_a_refused_client_is_reported_as_claimed_until_it_has_proven_who_it_is(
    running: Running, why: Why
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
async def test_what_is_no_request_has_an_access_line_and_a_reason(
    running: Running, why: Why, sent: bytes
) -> None:
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


async def test_the_management_listener_tells_the_same_as_json(running: Running, why: Why) -> None:
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


HERE = "https://localhost:8243"
"""The default of `server.public_url`."""


def proof(key: Signer, method: str, path: str, **claims: Any) -> str:
    claims = {"htm": method, "htu": HERE + path, "iat": int(time.time()), "jti": "1", **claims}
    return key.sign({"typ": "dpop+jwt", "jwk": key.members}, claims)


def ath(token: str) -> str:
    return b64(hashlib.sha256(token.encode()).digest())


async def bound(running: Running, sent: str) -> dict[str, Any]:
    """What the token endpoint says to a request with a proof."""
    headers = {"Authorization": aiohttp.encode_basic_auth(CLIENT, SECRET), "DPoP": sent}
    data = {"grant_type": "client_credentials", "scope": "orders.read"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{running.http}/token", data=data) as response,
    ):
        answer: dict[str, Any] = await response.json()
        return answer


async def test_what_is_wrong_with_a_proof_is_named(running: Running, why: Why) -> None:
    key, other = Signer("ES256"), Signer("ES256")
    issued = (await bound(running, proof(key, "POST", "/token")))["access_token"]
    good = {"ath": ath(issued), "jti": "2"}
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"DPoP {issued}", "DPoP": proof(key, "GET", "/orders", **good)}
        async with session.get(f"{running.http}/orders", headers=headers) as response:
            assert response.status == 200
    for sent, reason in {
        proof(key, "GET", "/orders", **good): "its jti was used before",
        proof(key, "GET", "/orders", **good | {"htu": "http://10.0.0.1/orders"}): f"htu is not {HERE}/orders",
        proof(other, "GET", "/orders", **good): "the token is bound to another key",
    }.items():
        problem = await refused(running, "/orders", Authorization=f"DPoP {issued}", DPoP=sent)
        facts = await why(problem["request_id"])
        assert (facts["client"], reason in facts["reason"]) == (CLIENT, True), facts
        assert reason not in problem["detail"], "callers are told less"


async def test_what_is_wrong_with_a_proof_at_the_token_endpoint_is_named(running: Running, why: Why) -> None:
    answer = await bound(running, proof(Signer("ES256"), "POST", "/oauth/token"))
    assert answer["error"] == "invalid_dpop_proof"
    line = json.loads(await running.line('"/token", "status": 400'))
    assert f"htu is not {HERE}/token" in (await why(line["request_id"]))["reason"]
    assert HERE not in answer["error_description"]


async def test_a_live_token_without_its_proof_is_not_said_to_have_ended(running: Running, why: Why) -> None:
    key = Signer("ES256")
    issued = (await bound(running, proof(key, "POST", "/token")))["access_token"]
    plain = (await token(running, scope="orders.read"))["access_token"]
    for headers, reason in (
        ({"Authorization": f"Bearer {issued}"}, "it is bound to a DPoP key, and came as a bearer token"),
        (
            {"Authorization": f"DPoP {plain}", "DPoP": proof(key, "GET", "/orders", ath=ath(plain))},
            "it is a bearer token, and came as one that is bound to a DPoP key",
        ),
    ):
        facts = await why((await refused(running, "/orders", **headers))["request_id"])
        assert (facts["client"], reason in facts["reason"]) == (CLIENT, True), facts
        assert "revoked" not in facts["reason"]


async def test_why_a_token_of_another_issuer_does_not_hold_is_named(running: Running, why: Why) -> None:
    ends = int(time.time()) + 600
    claims = {
        "iss": "https://corp.example.org",
        "aud": "https://api.example.org",
        "client_id": "shop",
        "exp": ends,
    }
    header = {"typ": "at+jwt", "kid": "corp"}
    for changed, said, reason in (
        (header, {**claims, "aud": "https://other.example.org"}, "aud has none of the issuer's audiences"),
        ({**header, "kid": "new"}, claims, "its kid is of no key of the issuer"),
    ):
        bearer = {"Authorization": f"Bearer {CORP.sign(changed, said)}"}
        facts = await why((await refused(running, "/corp", **bearer))["request_id"])
        assert "Refused as one of the issuer corp: " in facts["reason"]
        assert reason in facts["reason"]
