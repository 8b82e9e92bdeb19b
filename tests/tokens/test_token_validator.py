import asyncio
import time
from collections.abc import Callable
from inspect import isawaitable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import StoreUnavailable
from gateway.jose.compact import Jwt
from gateway.oauth.grants import Grant
from gateway.oauth.model import OWN_ONLY, TokenInfo
from gateway.oauth.opaque_tokens import OpaqueTokens
from gateway.server.eager import run_eagerly
from gateway.store import Store
from gateway.store.key_names import KeyNames
from gateway.tokens.token_cache import TokenCache
from gateway.tokens.token_validator import LookupNeeded, TokenValidator
from tests.bounds import BRIEF
from tests.conftest import Valkey
from tests.jose.tokens import jwt
from tests.record_keys import MAC
from tests.services import ISSUER, Services, a_client
from tests.tokens.test_jwt_tokens import TwoKeys

pytestmark = pytest.mark.usefixtures("both_formats")

GRANT = Grant("demo", ("orders.read",), ("https://a.example",), 600)


async def a_token(services: Services) -> str:
    return (await services.issuer.issue(a_client(), "client_credentials", GRANT)).access_token


async def test_the_facts_of_a_live_token_are_found(store: Store) -> None:
    services = Services(store)
    facts = await services.token_validator.resolve(await a_token(services))
    assert facts is not None
    assert (facts.client, facts.scopes, facts.audience) == ("demo", ("orders.read",), ("https://a.example",))
    assert facts.expires - facts.issued == 600


async def test_a_token_of_a_client_whose_tokens_were_ended_is_dead(store: Store) -> None:
    services = Services(store)
    before = await a_token(services)
    await store.tokens.revoke_all("demo")
    after = await a_token(services)
    assert await services.token_validator.resolve(before) is None
    assert await services.token_validator.resolve(after)


async def test_a_token_of_a_client_that_left_the_file_is_dead(store: Store) -> None:
    services = Services(store)
    token = await a_token(services)
    without = Services(store, [])
    assert await without.token_validator.resolve(token) is None


async def test_a_forged_token_is_refused_without_asking_the_store(own_valkey: Valkey) -> None:
    store = Store(own_valkey.url, timeout=BRIEF, mac=MAC)
    await store.start()
    services = Services(store)
    real = await a_token(services)
    own_valkey.kill()
    token_validator: TokenValidator = services.token_validator
    assert await token_validator.resolve("gpt_" + "A" * 65) is None
    assert await token_validator.resolve("nonsense") is None
    with pytest.raises(StoreUnavailable):
        await token_validator.resolve(real)
    await store.stop()


async def found(
    token_validator: TokenValidator, token: str, times: int = 1
) -> list[TokenInfo | BaseException | None]:
    """The outcomes of several look-ups of a token that begin at the same time, outside of any task."""
    outcomes: list[TokenInfo | BaseException | None] = []

    async def look_up() -> None:
        facts = token_validator.find(token)
        assert isawaitable(facts), "the store must be asked"
        try:
            outcomes.append(await facts)
        except StoreUnavailable as error:
            outcomes.append(error)

    running = [run_eagerly(look_up()) for _ in range(times)]
    assert None not in running
    async with asyncio.timeout(20):
        while len(outcomes) < times:  # noqa: ASYNC110 (nothing says that all of them are over)
            await asyncio.sleep(0.001)
    return outcomes


async def test_a_cancelled_look_up_outside_of_a_task_leaves_the_others_their_answer(store: Store) -> None:
    services = Services(store)
    validator, token = services.token_validator, await a_token(services)
    heard: asyncio.Future[TokenInfo | None] = asyncio.get_running_loop().create_future()
    ended: list[str] = []

    async def look_up(hear: Callable[[TokenInfo | None], None]) -> None:
        try:
            facts = validator.find(token)
            assert isawaitable(facts), "the store must be asked"
            hear(await facts)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    first, second = (
        run_eagerly(look_up(lambda _: ended.append("heard"))),
        run_eagerly(look_up(heard.set_result)),
    )
    assert first is not None
    assert second is not None
    first.cancel()
    assert ended == ["cancelled"]
    assert await heard is not None
    assert ended == ["cancelled"]


async def test_a_look_up_that_is_started_outside_of_a_task_finds_the_same(store: Store) -> None:
    services = Services(store)
    token = await a_token(services)
    assert await found(services.token_validator, token) == [await services.token_validator.resolve(token)]
    assert await found(Services(store, []).token_validator, token) == [None]
    await store.tokens.revoke_all("demo")
    assert await found(services.token_validator, token) == [None]


async def test_a_cancelled_look_up_leaves_the_others_their_answer(store: Store) -> None:
    services = Services(store)
    token = await a_token(services)
    first, second = (asyncio.create_task(services.token_validator.resolve(token)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None


async def test_all_who_ask_at_the_same_time_cost_one_question(valkey: Valkey, prefix: str) -> None:
    asked: list[str] = []
    store = Store(valkey.url, prefix, observer=lambda name, _, __: asked.append(name), mac=MAC)
    await store.start()
    services = Services(store)
    token = await a_token(services)
    asked.clear()
    first, *others = await found(services.token_validator, token, times=5)
    assert isinstance(first, TokenInfo)
    assert others == [first] * 4
    assert asked.count("token.facts") == 1
    await store.stop()


async def test_who_asks_a_store_that_hangs_hears_so(own_valkey: Valkey) -> None:
    store = Store(own_valkey.url, timeout=BRIEF, mac=MAC)
    await store.start()
    services = Services(store)
    token = await a_token(services)
    own_valkey.freeze()
    told = await found(services.token_validator, token, times=2)
    own_valkey.thaw()
    assert all(isinstance(error, StoreUnavailable) for error in told)
    await store.stop()


async def test_a_route_that_excludes_own_tokens_refuses_them_cached_or_not(store: Store) -> None:
    cache = TokenCache(KeyNames(""), time.monotonic)
    cache.on_tracking_on()
    services = Services(store, cache=cache)
    token = await a_token(services)
    only_corp = frozenset({"corp"})
    assert await services.token_validator.resolve(token, only_corp) is None
    assert await services.token_validator.resolve(token)
    assert cache.get(token)
    assert services.token_validator.resolve_now(token, only_corp) is None
    assert services.token_validator.resolve_now(token, only_corp | OWN_ONLY) == cache.get(token)


async def test_what_is_known_costs_no_verification(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = TokenCache(KeyNames(""), time.monotonic)
    cache.on_tracking_on()
    services = Services(store, cache=cache)
    token = await a_token(services)
    assert services.token_validator.resolve_now(token, OWN_ONLY) is LookupNeeded.STORE
    facts = await services.token_validator.resolve(token)
    monkeypatch.setattr("gateway.tokens.token_validator.read_jwt", None)
    monkeypatch.setattr(OpaqueTokens, "has_valid_tag", None)
    assert services.token_validator.resolve_now(token, OWN_ONLY) == facts
    assert services.token_validator.find(token) == facts


async def test_a_jwt_of_a_key_that_this_worker_has_not_heard_of_is_let_in(store: Store) -> None:
    one, other = Services(store, format="jwt"), Services(store, format="jwt")
    token = await a_token(one)
    assert other.token_validator.resolve_now(token, OWN_ONLY) is LookupNeeded.KEYS
    assert await other.token_validator.resolve(token)


class Corp:
    """Knows one token, and takes note of what it is shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def cached(self, token: str, accepted: frozenset[str]) -> TokenInfo | None:
        return None

    def resolve_now(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> LookupNeeded:
        return LookupNeeded.ISSUER

    async def resolve(self, token: str, jwt: Jwt | None, accepted: frozenset[str]) -> TokenInfo | None:
        self.shown.append(token)
        return TokenInfo("corp:a", (), (), "a", 0, 2**40, "", issuer="corp") if token == "theirs" else None


async def test_own_tokens_are_never_shown_to_others(store: Store) -> None:
    corp = Corp()
    services = Services(store, foreign=corp)
    token = await a_token(services)
    both = OWN_ONLY | {"corp"}
    facts = await services.token_validator.resolve("theirs", both)
    assert facts is not None
    assert facts.client == "corp:a"
    assert await services.token_validator.resolve(token, frozenset({"corp"})) is None
    await store.tokens.revoke_all("demo")
    assert await services.token_validator.resolve(token, both) is None
    assert await services.token_validator.resolve("theirs") is None
    assert corp.shown == ["theirs"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(st.text() | st.builds(jwt, st.dictionaries(st.text(), st.text()), st.just({"iss": ISSUER})))
def test_garbage_is_refused_and_raises_nothing(token: str) -> None:
    services = Services(Store("unix:///nowhere", mac=MAC), signing_keys=TwoKeys())
    assert services.token_validator.resolve_now(token, OWN_ONLY) is None
    assert services.token_validator.resolve_now(token, OWN_ONLY | {"corp"}) is None
