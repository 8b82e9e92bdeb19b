"""`POST /token` over the wire."""

import asyncio
import json

import pytest

from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage
from tests.running import Running
from tests.web_gateway import ask_for_token, request

FORM = "Content-Type: application/x-www-form-urlencoded"
NO_STORE = {
    "Cache-Control": "no-store",
    "Pragma": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Type": "application/json",
}


def has_the_headers_of_the_endpoint(answer: RawMessage) -> bool:
    return all(answer.header(name) == value for name, value in NO_STORE.items())


async def test_a_client_gets_a_token(client: RawClient) -> None:
    answer = await ask_for_token(client)
    assert answer.status == 200
    assert has_the_headers_of_the_endpoint(answer)
    body = json.loads(answer.content)
    assert body.keys() == {"access_token", "scope", "token_type", "expires_in"}
    assert (body["scope"], body["token_type"]) == ("am_application_scope default", "Bearer")


async def test_the_same_token_comes_again_with_fewer_seconds(client: RawClient) -> None:
    first, again = [json.loads((await ask_for_token(client)).content) for _ in range(2)]
    assert first["access_token"] == again["access_token"]
    assert first["expires_in"] - 20 <= again["expires_in"] <= first["expires_in"]


async def test_expires_in_is_the_ttl_in_the_store(client: RawClient, valkey: Valkey) -> None:
    answer = json.loads((await ask_for_token(client, "validity_period=3201")).content)
    assert answer["expires_in"] == 3201
    with valkey.client as other:
        assert any(3180 <= other.ttl(key) <= 3201 for key in other.scan_iter("test-web-*:t:*"))


async def test_the_form_can_hold_the_credentials(client: RawClient) -> None:
    body = b"grant_type=client_credentials&client_id=demo&client_secret=demo-secret"
    answer = await client.ask(request("/token", FORM, method="POST", body=body))
    assert answer.status == 200


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"grant_type=client_credentials&scope=admin", "invalid_scope"),
        (b"grant_type=client_credentials&validity_period=x", "invalid_request"),
        (b"grant_type=client_credentials&validity_period=86401", "invalid_request"),
        (b"grant_type=client_credentials&resource=nothing", "invalid_target"),
        (b"grant_type=password", "unsupported_grant_type"),
        (b"scope=read", "invalid_request"),
        (b"grant_type=client_credentials&a=1&a=2", "invalid_request"),
        (b"%zz", "invalid_request"),
    ],
)
async def test_what_is_wrong_with_a_request_is_400(client: RawClient, body: bytes, error: str) -> None:
    answer = await client.ask(
        request("/token", FORM, "Authorization: Basic ZGVtbzpkZW1vLXNlY3JldA==", method="POST", body=body)
    )
    assert answer.status == 400
    assert has_the_headers_of_the_endpoint(answer)
    assert json.loads(answer.content)["error"] == error


async def test_a_wrong_secret_is_401_with_a_challenge(client: RawClient) -> None:
    answer = await ask_for_token(client, who="other:wrong")
    assert answer.status == 401
    assert answer.header("WWW-Authenticate") == 'Basic realm="gatepost"'
    assert has_the_headers_of_the_endpoint(answer)
    assert json.loads(answer.content)["error"] == "invalid_client"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_served(client: RawClient, method: str) -> None:
    answer = await client.ask(request("/token", method=method))
    assert (answer.status, answer.header("Allow")) == (405, "POST")


async def test_a_form_that_is_too_large_is_413(client: RawClient) -> None:
    answer = await client.ask(request("/token", FORM, method="POST", body=b"a=" + b"b" * 70_000))
    assert answer.status == 413


async def test_two_hundred_at_once_get_one_token(gateway: Running) -> None:
    clients = [await gateway.connect() for _ in range(20)]
    answers: list[RawMessage] = []
    for _ in range(10):
        answers += await asyncio.gather(*(ask_for_token(one, "scope=write") for one in clients))
    for one in clients:
        await one.close()
    assert {answer.status for answer in answers} == {200}
    assert len({json.loads(answer.content)["access_token"] for answer in answers}) == 1


async def test_guessing_is_slowed_and_then_refused(gateway: Running, client: RawClient) -> None:
    guessers = [await gateway.connect() for _ in range(10)]
    guesses = await asyncio.gather(*(ask_for_token(one, who="victim:guess") for one in guessers))
    assert {guess.status for guess in guesses} <= {401, 429}
    auth_problem = await ask_for_token(client, who="victim:guess")
    assert auth_problem.status == 429
    assert auth_problem.header("Retry-After") is not None
    assert (await ask_for_token(client)).status == 200
    for one in guessers:
        await one.close()


async def test_nothing_secret_is_logged(gateway: Running, client: RawClient) -> None:
    token = json.loads((await ask_for_token(client)).content)["access_token"]
    await client.ask(request(f"/read?access_token={token}", f"Authorization: Bearer {token}"))
    await gateway.line("/read")
    for secret in (token, "demo-secret", "ZGVtbzpkZW1vLXNlY3JldA"):
        assert secret not in gateway.output
