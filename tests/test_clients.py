from dataclasses import replace

import pytest

from gateway.oauth.client_auth import ClientProof
from gateway.oauth.errors import OAuthError
from gateway.oauth.guessing import GuessingRules
from gateway.oauth.values import TokenFacts
from gateway.store import Store
from tests.services import Services, a_client

HERE, THERE = "192.0.2.1", "192.0.2.2"
RIGHT = ClientProof("demo", "secret", "client_secret_basic")
WRONG = ClientProof("demo", "guess", "client_secret_basic")


async def refusal(services: Services, proof: ClientProof, address: str = HERE) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        await services.authentication.authenticate(proof, address)
    return caught.value


async def test_clients_of_the_file_and_of_the_store_are_found(store: Store) -> None:
    await store.clients.create(a_client("kept", "other"))
    services = Services(store)
    assert (await services.authentication.authenticate(RIGHT, HERE)).id == "demo"
    kept = ClientProof("kept", "other", "client_secret_post")
    assert (await services.authentication.authenticate(kept, HERE)).source == "store"


async def test_an_unknown_client_and_a_wrong_secret_are_told_the_same(store: Store) -> None:
    services = Services(store)
    wrong = await refusal(services, WRONG)
    unknown = await refusal(services, ClientProof("nobody", "guess", "client_secret_basic"))
    assert wrong.body == unknown.body
    assert wrong.error == "invalid_client"


async def test_a_disabled_client_is_refused(store: Store) -> None:
    services = Services(store, [a_client(enabled=False)])
    assert (await refusal(services, RIGHT)).error == "invalid_client"


async def test_guessing_gets_slower_and_is_then_shut_out_but_not_the_right_client_elsewhere(
    store: Store,
) -> None:
    services = Services(store, rules=GuessingRules(pair_limit=4, first_delay=0.1))
    delays = [(await refusal(services, WRONG)).delay for _ in range(4)]
    assert delays == sorted(delays)
    assert delays[0] < delays[-1]
    shut_out = await refusal(services, RIGHT)
    assert shut_out.status == 429
    assert shut_out.retry_after is not None
    assert 1 <= shut_out.retry_after <= 60
    assert (await services.authentication.authenticate(RIGHT, THERE)).id == "demo"


async def test_an_address_that_tries_many_clients_is_shut_out(store: Store) -> None:
    services = Services(store, rules=GuessingRules(address_limit=5, first_delay=0.0))
    for number in range(5):
        await refusal(services, ClientProof(f"guess-{number}", "x", "client_secret_basic"))
    assert (await refusal(services, RIGHT)).status == 429
    assert (await services.authentication.authenticate(RIGHT, THERE)).id == "demo"


async def test_a_success_forgets_the_failures_before_it(store: Store) -> None:
    services = Services(store, rules=GuessingRules(pair_limit=3, first_delay=0.0))
    for _ in range(3):
        await refusal(services, WRONG)
        await refusal(services, WRONG)
        assert await services.authentication.authenticate(RIGHT, HERE)


async def test_a_client_taken_out_of_the_file_holds_no_tokens(store: Store) -> None:
    facts = TokenFacts("demo", (), (), "demo", 0, 2**40, "client_credentials")
    assert Services(store).clients.may_hold(facts)
    assert not Services(store, []).clients.may_hold(facts)
    assert not Services(store, [a_client(enabled=False)]).clients.may_hold(facts)


async def test_a_client_in_the_store_can_never_pass_for_one_of_the_file(store: Store) -> None:
    facts = TokenFacts("demo", (), (), "demo", 0, 2**40, "client_credentials", source="store")
    assert not Services(store).clients.may_hold(facts)
    assert Services(store).clients.may_hold(replace(facts, client="kept"))
