import asyncio
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import StoreUnavailable
from gateway.jose.compact import Jwt
from gateway.oauth.grants import Grant
from gateway.oauth.opaque import OpaqueTokens
from gateway.oauth.values import OWN_ONLY, TokenFacts
from gateway.store import Store
from gateway.tokens.cache import TokenCache
from gateway.tokens.guard import Guard, Unknown
from tests.conftest import Valkey
from tests.jose.tokens import jwt
from tests.services import ISSUER, Services, a_client
from tests.tokens.test_jwt import TwoKeys

pytestmark = pytest.mark.usefixtures("both_formats")

GRANT = Grant("demo", ("orders.read",), ("https://a.example",), 600)


async def a_token(services: Services) -> str:
    return (await services.issuer.issue(a_client(), "client_credentials", GRANT)).access_token


async def test_the_facts_of_a_live_token_are_found(store: Store) -> None:
    services = Services(store)
    facts = await services.guard.facts(await a_token(services))
    assert facts is not None
    assert (facts.client, facts.scopes, facts.audience) == ("demo", ("orders.read",), ("https://a.example",))
    assert facts.expires - facts.issued == 600


async def test_a_token_of_a_client_whose_tokens_were_ended_is_dead(store: Store) -> None:
    services = Services(store)
    before = await a_token(services)
    await store.tokens.revoke_all("demo")
    after = await a_token(services)
    assert await services.guard.facts(before) is None
    assert await services.guard.facts(after)


async def test_a_token_of_a_client_that_left_the_file_is_dead(store: Store) -> None:
    services = Services(store)
    token = await a_token(services)
    without = Services(store, [])
    assert await without.guard.facts(token) is None


async def test_a_forged_token_is_refused_without_asking_the_store(own_valkey: Valkey) -> None:
    store = Store(own_valkey.url, timeout=0.2)
    await store.start()
    services = Services(store)
    real = await a_token(services)
    own_valkey.kill()
    guard: Guard = services.guard
    assert await guard.facts("gpt_" + "A" * 65) is None
    assert await guard.facts("nonsense") is None
    with pytest.raises(StoreUnavailable):
        await guard.facts(real)
    await store.stop()


async def heard(guard: Guard, token: str, times: int = 1) -> list[TokenFacts | BaseException | None]:
    """What several are told who ask about a token at the same time."""
    told: list[TokenFacts | BaseException | None] = []
    over = asyncio.Event()

    def hear(facts: TokenFacts | BaseException | None) -> None:
        told.append(facts)
        if len(told) == times:
            over.set()

    for _ in range(times):
        guard.ask(token, hear)
    async with asyncio.timeout(5):
        await over.wait()
    return told


async def test_who_asks_without_a_task_hears_the_same(store: Store) -> None:
    services = Services(store)
    token = await a_token(services)
    assert await heard(services.guard, token) == [await services.guard.facts(token)]
    assert await heard(Services(store, []).guard, token) == [None]
    await store.tokens.revoke_all("demo")
    assert await heard(services.guard, token) == [None]


async def test_all_who_ask_at_the_same_time_cost_one_question(valkey: Valkey, prefix: str) -> None:
    asked: list[str] = []
    store = Store(valkey.url, prefix, observer=lambda name, _, __: asked.append(name))
    await store.start()
    services = Services(store)
    token = await a_token(services)
    asked.clear()
    first, *others = await heard(services.guard, token, times=5)
    assert isinstance(first, TokenFacts)
    assert others == [first] * 4
    assert asked.count("token.facts") == 1
    await store.stop()


async def test_who_asks_a_store_that_hangs_hears_so(own_valkey: Valkey) -> None:
    store = Store(own_valkey.url, timeout=0.2)
    await store.start()
    services = Services(store)
    token = await a_token(services)
    own_valkey.freeze()
    told = await heard(services.guard, token, times=2)
    own_valkey.thaw()
    assert all(isinstance(error, StoreUnavailable) for error in told)
    await store.stop()


async def test_a_route_that_excludes_own_tokens_refuses_them_cached_or_not(store: Store) -> None:
    cache = TokenCache("", time.monotonic)
    cache.up()
    services = Services(store, cache=cache)
    token = await a_token(services)
    only_corp = frozenset({"corp"})
    assert await services.guard.facts(token, only_corp) is None
    assert await services.guard.facts(token)
    assert cache.get(token)
    assert services.guard.known(token, only_corp) is None
    assert services.guard.known(token, only_corp | OWN_ONLY) == cache.get(token)


async def test_what_is_known_costs_no_verification(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = TokenCache("", time.monotonic)
    cache.up()
    services = Services(store, cache=cache)
    token = await a_token(services)
    assert services.guard.known(token, OWN_ONLY) is Unknown.STORE
    facts = await services.guard.facts(token)
    monkeypatch.setattr("gateway.tokens.guard.read_jwt", None)
    monkeypatch.setattr(OpaqueTokens, "is_ours", None)
    assert services.guard.known(token, OWN_ONLY) == facts


async def test_a_jwt_of_a_key_that_this_worker_has_not_heard_of_is_let_in(store: Store) -> None:
    one, other = Services(store, format="jwt"), Services(store, format="jwt")
    token = await a_token(one)
    assert other.guard.known(token, OWN_ONLY) is Unknown.KEYS
    assert await other.guard.facts(token)


class Corp:
    """Knows one token, and takes note of what it is shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def cached(self, token: str, accepted: frozenset[str]) -> TokenFacts | None:
        return None

    def known(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> Unknown:
        return Unknown.ISSUER

    async def facts(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> TokenFacts | None:
        self.shown.append(token)
        return TokenFacts("corp:a", (), (), "a", 0, 2**40, "", issuer="corp") if token == "theirs" else None


async def test_own_tokens_are_never_shown_to_others(store: Store) -> None:
    corp = Corp()
    services = Services(store, foreign=corp)
    token = await a_token(services)
    both = OWN_ONLY | {"corp"}
    facts = await services.guard.facts("theirs", both)
    assert facts is not None
    assert facts.client == "corp:a"
    assert await services.guard.facts(token, frozenset({"corp"})) is None
    await store.tokens.revoke_all("demo")
    assert await services.guard.facts(token, both) is None
    assert await services.guard.facts("theirs") is None
    assert corp.shown == ["theirs"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(st.text() | st.builds(jwt, st.dictionaries(st.text(), st.text()), st.just({"iss": ISSUER})))
def test_garbage_is_refused_and_raises_nothing(token: str) -> None:
    services = Services(Store("unix:///nowhere"), signing_keys=TwoKeys())
    assert services.guard.known(token, OWN_ONLY) is None
    assert services.guard.known(token, OWN_ONLY | {"corp"}) is None
