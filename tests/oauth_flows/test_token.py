import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.opaque_tokens import token_hash
from gateway.oauth_flows.client_request import run_steps
from gateway.oauth_flows.token import STEPS, TokenRequestState, answer_token_request
from gateway.plugin import Grant, GrantRequest, IssuedToken, PluginConfig, PluginContext
from gateway.server.eager import run_eagerly
from gateway.store import Store
from plugins.client_credentials import ClientCredentials
from tests.conftest import Valkey
from tests.services import Services, a_client, token_call, worker

pytestmark = pytest.mark.usefixtures("both_formats")


async def refusal(services: Services, call: TokenRequestState) -> str:
    with pytest.raises(OAuthError) as caught:
        await answer_token_request(call, services.token_services)
    return caught.value.error


def test_the_path_reads_as_a_table_of_contents() -> None:
    assert [step.__name__ for step in STEPS] == [
        "parse_form_step",
        "read_client_credentials",
        "authenticate_client",
        "find_grant",
        "check_grant_allowed",
        "bind_token",
        "run_grant",
        "issue_token",
        "add_extra_response_members",
    ]


async def test_a_client_gets_a_token(store: Store) -> None:
    answer = await answer_token_request(token_call(), Services(store).token_services)
    assert answer.scope == "am_application_scope default"
    assert answer.expires_in == 3600


async def test_a_validity_period_gets_a_token_of_its_own(store: Store) -> None:
    services = Services(store)
    usual = await answer_token_request(token_call(), services.token_services)
    body = "grant_type=client_credentials&validity_period=3200"
    own = [await answer_token_request(token_call(body), services.token_services) for _ in range(2)]
    assert [answer.expires_in for answer in own] == [3200, 3200]
    assert len({usual.access_token, *(answer.access_token for answer in own)}) == 3


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (token_call(""), "invalid_request"),
        (token_call("grant_type="), "invalid_request"),
        (token_call("grant_type=client_credentials&grant_type=client_credentials"), "invalid_request"),
        (token_call("grant_type=magic"), "unsupported_grant_type"),
        (token_call("grant_type=password"), "unsupported_grant_type"),
        (token_call(basic="demo:wrong"), "invalid_client"),
        (token_call(basic=None), "invalid_client"),
        (token_call(query="client_secret=x"), "invalid_request"),
        (token_call(content_type="application/json"), "invalid_request"),
        (token_call("grant_type=client_credentials&client_id=demo&client_secret=secret"), "invalid_request"),
        (token_call("grant_type=client_credentials&scope=admin"), "invalid_scope"),
        (token_call("grant_type=client_credentials&validity_period=0"), "invalid_request"),
        (token_call("grant_type=client_credentials&resource=https://x.example"), "invalid_target"),
    ],
)
async def test_what_is_wrong_gets_its_own_error(store: Store, call: TokenRequestState, error: str) -> None:
    assert await refusal(Services(store), call) == error


async def test_a_grant_that_is_not_this_clients_is_unauthorized_client(store: Store) -> None:
    services = Services(store, [a_client(grants=frozenset({"password"}))])
    assert await refusal(services, token_call()) == "unauthorized_client"


async def test_nothing_is_issued_on_the_way_to_an_error(store: Store, valkey: object, prefix: str) -> None:
    services = Services(store)
    await refusal(services, token_call("grant_type=client_credentials&scope=admin"))
    keys = await store.link.execute("KEYS", f"{prefix}t:*")
    assert keys == []


async def test_a_new_token_is_one_question_to_the_store(valkey: Valkey, prefix: str) -> None:
    own = "grant_type=client_credentials&validity_period=60"
    async with worker(valkey.url, prefix) as here:
        await here.store.clients.create(a_client("kept", "other"))
        for basic in ("demo:secret", "kept:other"):
            await answer_token_request(token_call(own, basic=basic), here.services.token_services)
            here.asked.clear()
            tokens = {
                (
                    await answer_token_request(token_call(own, basic=basic), here.services.token_services)
                ).access_token
                for _ in range(5)
            }
            assert len(tokens) == 5
            assert here.asked == ["token.issue"] * 5


async def test_a_token_that_is_given_out_again_is_none(valkey: Valkey, prefix: str) -> None:
    async with worker(valkey.url, prefix) as here:
        await here.store.clients.create(a_client("kept", "other"))
        for basic in ("demo:secret", "kept:other"):
            for _ in range(2):
                given = await answer_token_request(token_call(basic=basic), here.services.token_services)
            here.asked.clear()
            call = token_call(basic=basic)
            assert run_eagerly(run_steps(STEPS, call, here.services.token_services)) is None
            assert (call.answer.access_token, call.answer.reused) == (given.access_token, True)
            assert here.asked == []


class Waiting(ClientCredentials):
    async def grant(self, request: GrantRequest) -> Grant:  # type: ignore[override]  # a grant may wait
        await asyncio.sleep(0)
        return super().grant(request)


class Promising(Waiting):
    def grant(self, request: GrantRequest) -> Awaitable[Grant]:  # type: ignore[override]  # as above
        return super().grant(request)


class TimingOut(Waiting):
    async def grant(self, request: GrantRequest) -> Grant:  # type: ignore[override]  # as above
        async with asyncio.timeout(5):
            return await super().grant(request)


class Adding(ClientCredentials):
    def on_issued(self, request: GrantRequest, issued: IssuedToken) -> dict[str, str]:
        return {"name": issued.name}


@pytest.mark.parametrize("kind", [Waiting, Promising, TimingOut, Adding])
async def test_a_grant_may_take_its_time_and_add_something(
    store: Store, kind: type[ClientCredentials]
) -> None:
    services = Services(store)
    plugin = kind(PluginConfig(), PluginContext(services.clock))
    services = replace(services.token_services, grants={"client_credentials": plugin})
    for _ in range(2):
        call = token_call()
        ended = asyncio.Event()

        async def steps(call: TokenRequestState = call, ended: asyncio.Event = ended) -> None:
            try:
                await run_steps(STEPS, call, services)
            finally:
                ended.set()

        assert run_eagerly(steps()) is not None, "it waits"
        await ended.wait()
        answer = call.answer
        assert answer.scope == "am_application_scope default"
        assert answer.beside == ({"name": token_hash(answer.access_token)} if kind is Adding else {})
