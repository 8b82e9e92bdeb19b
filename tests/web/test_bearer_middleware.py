"""Who is let in on proxied routes, and what the others are told."""

import asyncio
import json
import time

import pytest

from tests.bounds import mostly_within
from tests.conftest import Valkey
from tests.raw import LIMIT, RawClient, RawUpstream
from tests.running import Running
from tests.web_gateway import ask_for_token, problem, request

METADATA = 'resource_metadata="https://gateway.example/.well-known/oauth-protected-resource'


async def test_without_a_token_a_caller_is_told_to_get_one(client: RawClient, upstream: RawUpstream) -> None:
    reply = await client.ask(request("/read"))
    assert reply.status == 401
    assert problem(reply)["code"] == "900902"
    assert reply.header("WWW-Authenticate") == f'Bearer realm="gatepost", scope="read", {METADATA}/read"'
    assert upstream.requests == []


@pytest.mark.parametrize("scheme", ["Basic ZGVtbzp4", "Digest x", "Bearerx y"])
async def test_another_scheme_is_no_token(client: RawClient, scheme: str) -> None:
    assert problem(await client.ask(request("/read", f"Authorization: {scheme}")))["code"] == "900902"


async def test_a_forged_token_is_not_valid(client: RawClient, upstream: RawUpstream) -> None:
    reply = await client.ask(request("/read", "Authorization: Bearer gpt_" + "A" * 65))
    assert reply.status == 401
    assert problem(reply)["code"] == "900901"
    assert 'error="invalid_token"' in (reply.header("WWW-Authenticate") or "")
    assert upstream.requests == []


async def test_the_scheme_is_case_insensitive(client: RawClient, token: str) -> None:
    assert (await client.ask(request("/read", f"authorization: bEARER {token}"))).status == 200


async def test_a_missing_scope_is_403_and_named(client: RawClient, upstream: RawUpstream) -> None:
    narrow = json.loads((await ask_for_token(client, "scope=read")).content)["access_token"]
    assert (await client.ask(request("/read", f"Authorization: Bearer {narrow}"))).status == 200
    reply = await client.ask(request("/write", f"Authorization: Bearer {narrow}"))
    assert reply.status == 403
    assert problem(reply)["code"] == "900910"
    assert 'error="insufficient_scope", scope="read write"' in (reply.header("WWW-Authenticate") or "")
    assert len(upstream.requests) == 1


async def test_a_token_for_another_audience_is_403(client: RawClient, token: str) -> None:
    assert (
        problem(await client.ask(request("/audience", f"Authorization: Bearer {token}")))["code"] == "900910"
    )
    answer = await ask_for_token(client, "resource=https://a.example", "other:other-secret")
    fitting = json.loads(answer.content)["access_token"]
    assert (await client.ask(request("/audience", f"Authorization: Bearer {fitting}"))).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        ("Authorization: Bearer a", "Authorization: Bearer b"),
        ("Authorization: Bearer",),
        ("Authorization: Bearer a b",),
        ("Authorization: Bearer a,b",),
        ("Authorization: Bearer \xe9",),
    ],
)
async def test_two_tokens_or_a_malformed_header_are_400(client: RawClient, headers: tuple[str, ...]) -> None:
    reply = await client.ask(request("/read", *headers))
    assert reply.status == 400
    assert 'error="invalid_request"' in (reply.header("WWW-Authenticate") or "")


async def test_a_token_in_the_query_is_not_looked_at(client: RawClient, token: str) -> None:
    assert problem(await client.ask(request(f"/read?access_token={token}")))["code"] == "900902"


async def test_an_open_route_needs_no_token(client: RawClient, upstream: RawUpstream) -> None:
    assert (await client.ask(request("/open", "Authorization: Bearer nonsense"))).status == 200
    assert (await upstream.next()).header("X-Client-Id") is None


async def test_an_open_route_passes_the_clients_own_authorization_on_unless_it_says_no(
    client: RawClient, upstream: RawUpstream
) -> None:
    assert (await client.ask(request("/open", "Authorization: Basic YTpi"))).status == 200
    assert (await upstream.next()).header("Authorization") == "Basic YTpi"
    assert (await client.ask(request("/held-back", "Authorization: Basic YTpi"))).status == 200
    assert (await upstream.next(2)).header("Authorization") is None


@pytest.mark.parametrize("target", ["/open", "/held-back"])
async def test_two_authorization_headers_are_refused_on_an_open_route_too(
    client: RawClient, upstream: RawUpstream, target: str
) -> None:
    reply = await client.ask(request(target, "Authorization: Basic YTpi", "authorization: Basic YTpj"))
    assert reply.status == 400
    assert not upstream.requests


async def test_no_route_is_404_and_a_wrong_method_405(client: RawClient) -> None:
    assert problem(await client.ask(request("/nothing")))["code"] == "404"
    reply = await client.ask(request("/read", method="DELETE"))
    assert problem(reply)["code"] == "405"
    assert reply.header("Allow") == "GET, HEAD, POST"


async def test_a_token_that_ends_is_refused_from_then_on(
    client: RawClient, gateway: Running, valkey: Valkey
) -> None:
    answer = json.loads((await ask_for_token(client, "validity_period=3&scope=read")).content)
    bearer = f"Authorization: Bearer {answer['access_token']}"
    assert (await client.ask(request("/read", bearer))).status == 200
    end = time.monotonic() + LIMIT
    while (status := (await client.ask(request("/read", bearer))).status) == 200:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    assert status == 401


async def test_a_token_that_is_taken_out_of_the_store_is_refused_at_once(
    client: RawClient, valkey: Valkey
) -> None:
    async def seconds_to_refusal() -> float:
        answer = json.loads((await ask_for_token(client, "validity_period=77&scope=read")).content)
        bearer = f"Authorization: Bearer {answer['access_token']}"
        assert (await client.ask(request("/read", bearer))).status == 200
        with valkey.client as other:
            keys = [key for key in other.scan_iter("test-web-*:t:*") if 66 < other.ttl(key) <= 77]
            other.delete(*keys)
        began = time.monotonic()
        async with asyncio.timeout(LIMIT):
            while (await client.ask(request("/read", bearer))).status == 200:
                pass
        return time.monotonic() - began

    await mostly_within(0.1, seconds_to_refusal)
