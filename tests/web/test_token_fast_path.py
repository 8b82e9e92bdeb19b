"""The token endpoint on the fast path: that it is used, and that nobody can tell."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.web.token_fast_path import TokenRequest
from tests.client_keys import signer
from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage, RawUpstream
from tests.running import Running
from tests.web.test_recording_middleware import metrics, noted
from tests.web_gateway import ask_for_token, request, with_a_store_to_freeze

BASIC = "Authorization: Basic ZGVtbzpkZW1vLXNlY3JldA=="
FORM = "Content-Type: application/x-www-form-urlencoded"
GRANT = b"grant_type=client_credentials"
URI = "https://gateway.example/token"


def without_what_differs(message: RawMessage) -> bytes:
    differs = rb'Date: [^\r]*|"access_token": "[^"]*"|"expires_in": [0-9]*|[0-9a-f]{32}'
    return re.sub(differs, b"", message.head + message.body)


def post(body: bytes, *headers: str, target: str = "/token") -> bytes:
    return request(target, *headers, method="POST", body=body)


@pytest.mark.parametrize(
    "data",
    [
        post(GRANT, FORM, BASIC),
        post(GRANT + b"&scope=write+read&validity_period=3200", FORM, BASIC),
        post(GRANT + b"&client_id=demo&client_secret=demo-secret", FORM),
        post(GRANT, FORM + "; charset=utf-8", "content-LENGTH-x: 1", BASIC),
        post(GRANT, FORM, BASIC, target="/token?x=1"),
        post(GRANT, FORM, BASIC, target="/token?client_secret=x"),
        post(GRANT, FORM, BASIC, target="/token?"),
        post(GRANT, FORM, BASIC, target="/token/"),
        post(GRANT, FORM, BASIC, target="/%74oken"),
        post(GRANT, BASIC),
        post(GRANT, "Content-Type: application/json", BASIC),
        post(GRANT, FORM),
        post(GRANT, FORM, BASIC, BASIC),
        post(GRANT, FORM, "Authorization: Basic x"),
        post(GRANT, FORM, "Authorization: Bearer x"),
        post(GRANT, FORM, "Authorization: Basic ZGVtbzp3cm9uZw=="),
        post(GRANT, FORM, "Authorization: Basic bm9ib2R5Ondyb25n"),
        post(b"", FORM, BASIC),
        post(b"scope=read", FORM, BASIC),
        post(b"grant_type=password&username=a&password=b", FORM, BASIC),
        post(GRANT + b"&scope=admin", FORM, BASIC),
        post(GRANT + b"&scope=%22", FORM, BASIC),
        post(GRANT + b"&resource=nothing", FORM, BASIC),
        post(GRANT + b"&a=1&a=2", FORM, BASIC),
        post(GRANT + b"&a=%zz", FORM, BASIC),
        post(GRANT + b"&a=\xff", FORM, BASIC),
        post(b"a=" + b"b" * 60_000, FORM, BASIC),
        post(GRANT, FORM, BASIC, "DPoP: nonsense"),
        post(GRANT, FORM, BASIC, "DPoP: a", "DPoP: b"),
        request("/token"),
        request("/token", method="HEAD"),
        request("/token", method="DELETE"),
        request("/token", method="OPTIONS"),
    ],
)
async def test_a_plain_request_and_its_special_twin_are_answered_alike(gateway: Running, data: bytes) -> None:
    """A header that the fast path leaves to aiohttp makes the twin."""
    twin = data.replace(b"\r\nHost:", b"\r\nTE: trailers\r\nHost:", 1)
    body = not data.startswith(b"HEAD")
    connected = await gateway.connect()
    answers = [await connected.ask(one, body=body) for one in (data, twin, data, twin)]
    await connected.close()
    assert {answer.status for answer in answers} == {answers[0].status}
    assert len({without_what_differs(answer) for answer in answers}) == 1


async def test_a_form_that_is_too_large_ends_the_connection(client: RawClient) -> None:
    answer = await client.ask(post(b"a=" + b"b" * 70_000, FORM, BASIC))
    assert (answer.status, answer.header("Connection")) == (413, "close")


async def test_a_token_is_bound_to_the_key_of_a_proof(gateway: Running, client: RawClient) -> None:
    proof = signer("ES256").proof("POST", URI, time.time())
    answer = await client.ask(post(GRANT, FORM, BASIC, f"DPoP: {proof}"))
    assert answer.status == 200
    assert json.loads(answer.content)["token_type"] == "DPoP"
    again = await client.ask(post(GRANT, FORM, BASIC, f"DPoP: {proof}"))
    assert json.loads(again.content)["error"] == "invalid_dpop_proof"


async def test_a_connection_serves_the_endpoint_and_routes_by_turns(
    client: RawClient, upstream: RawUpstream
) -> None:
    for _ in range(3):
        token = json.loads((await ask_for_token(client, "scope=read")).content)["access_token"]
        assert (await client.ask(request("/read", f"Authorization: Bearer {token}"))).status == 200


async def test_who_sends_on_before_the_answer_is_answered_in_order(client: RawClient) -> None:
    for number in range(1, 6):
        await client.send(post(GRANT + b"&validity_period=%d" % (3000 + number), FORM, BASIC))
    lives = [json.loads((await client.receive()).content)["expires_in"] for _ in range(5)]
    assert lives == [3001, 3002, 3003, 3004, 3005]
    await client.send(post(GRANT, FORM, BASIC) * 3)
    assert [(await client.receive()).status for _ in range(3)] == [200] * 3


async def test_a_request_in_pieces_is_put_together(client: RawClient) -> None:
    whole = post(GRANT, FORM, BASIC)
    for place in range(0, len(whole), 40):
        await client.send(whole[place : place + 40])
        await asyncio.sleep(0.001)
    assert (await client.receive()).status == 200


async def test_the_access_log_and_the_counters_know_of_it(gateway: Running, client: RawClient) -> None:
    answer = await ask_for_token(client, "scope=read")
    size = len(answer.content)
    line = json.loads(await gateway.line(f'"path": "/token", "status": 200, "bytes": {size}'))
    assert (line["method"], line["route"], line["client"]) == ("POST", "/token", "demo")
    text = await metrics(gateway)
    assert 'gatepost_requests_total{method="POST",route="/token",status="200"}' in text
    assert re.search(r'gatepost_tokens_total\{grant="client_credentials",outcome="(issued|reused)"\}', text)
    in_flight = re.search(r"^gatepost_requests_in_flight\S* (\S+)$", text, re.MULTILINE)
    assert in_flight is None or float(in_flight[1]) == 0


async def test_a_token_that_is_given_out_again_costs_no_question_to_the_store(
    gateway: Running, client: RawClient
) -> None:
    for _ in range(3):
        await ask_for_token(client, "scope=read")
    before = await questions(gateway)
    for _ in range(20):
        assert (await ask_for_token(client, "scope=read")).status == 200
    assert await questions(gateway) == before
    for _ in range(20):
        assert (await ask_for_token(client, "validity_period=60")).status == 200
    assert await questions(gateway) == before + 20


async def questions(gateway: Running) -> float:
    """Those that the endpoint asks."""
    lines = (await metrics(gateway)).splitlines()
    asked = [
        line for line in lines if re.match(r"gatepost_store_calls_total.*(token\.|attempts\.|hget)", line)
    ]
    return sum(float(line.rpartition(" ")[2]) for line in asked)


@pytest.fixture(params=[True, False], ids=["fast_path", "aiohttp"])
def own_gateway(
    request: pytest.FixtureRequest, own_valkey: Valkey, upstream_server: RawUpstream, tmp_path: Path
) -> Iterator[Running]:
    yield from with_a_store_to_freeze(
        upstream_server, own_valkey, tmp_path, timeout="5s", fast_lane=request.param
    )


async def test_what_waits_for_the_store_can_be_left_and_is_finished_before_a_stop(
    own_gateway: Running, own_valkey: Valkey
) -> None:
    leaving, staying = [await own_gateway.connect() for _ in range(2)]
    own_valkey.freeze()
    for one in (leaving, staying):
        await one.send(post(GRANT + b"&validity_period=60", FORM, BASIC))
    await asyncio.sleep(0.1)
    await leaving.close()
    assert (await noted(own_gateway, "/token"))["status"] == 499
    stopping = asyncio.create_task(asyncio.to_thread(own_gateway.stop))
    await asyncio.sleep(0.1)
    own_valkey.thaw()
    answer = await staying.receive()
    assert answer.status == 200
    assert await staying.closed()
    await staying.close()
    await stopping


def test_the_exchange_is_what_the_connection_expects() -> None:
    assert {"finished", "pause", "resume", "client_disconnected"} <= set(dir(TokenRequest))


async def test_who_asks_for_a_token_and_the_end_gets_both(client: RawClient) -> None:
    reply = await client.ask(post(GRANT, FORM, BASIC, "Connection: close"))
    assert (reply.status, reply.header("Connection")) == (200, "close")
    assert await client.closed()


async def test_a_form_behind_its_head_is_read_to_its_last_byte(client: RawClient) -> None:
    whole = post(GRANT, FORM, BASIC)
    start = whole.index(b"\r\n\r\n") + 4
    for cut in range(start, len(whole) + 1):
        await client.send(whole[:cut])
        await asyncio.sleep(0.001)
        await client.send(whole[cut:] + whole)
        assert [(await client.receive()).status for _ in range(2)] == [200, 200], cut


async def test_a_form_that_does_not_come_is_408_as_oauth_has_it(hasty_gateway: Running) -> None:
    async with await hasty_gateway.connect() as client:
        await client.send(post(GRANT, FORM, BASIC)[:-3])
        answer = await client.receive()
        assert (answer.status, answer.header("Connection")) == (408, "close")
        assert json.loads(answer.content)["error"] == "invalid_request"
        assert await client.closed()
    line = json.loads(await hasty_gateway.line('"path": "/token", "status": 408'))
    assert (line["route"], line["client"]) == ("/token", "-")


async def test_who_leaves_before_the_end_of_a_form_is_noted(gateway: Running) -> None:
    async with await gateway.connect() as client:
        await client.send(post(GRANT, FORM, BASIC)[:-3])
        await asyncio.sleep(0.05)
    line = json.loads(await gateway.line('"path": "/token", "status": 499'))
    assert (line["route"], line["client"]) == ("/token", "-")
