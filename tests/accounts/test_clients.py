from dataclasses import replace

import pytest

from gateway.errors import StoreUnavailable
from gateway.oauth.client_auth import ClientProof
from gateway.oauth.errors import OAuthError
from gateway.oauth.guessing import GuessingRules
from gateway.oauth.values import TokenFacts
from gateway.store import Store
from tests.conftest import Valkey
from tests.services import Services, a_client, worker
from tests.store.stage import until

HERE, THERE = "192.0.2.1", "192.0.2.2"
RIGHT = ClientProof("demo", "secret", "client_secret_basic")
KEPT = ClientProof("kept", "other", "client_secret_post")
WRONG = ClientProof("demo", "guess", "client_secret_basic")


async def refusal(services: Services, proof: ClientProof, address: str = HERE) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        await services.authentication.authenticate(proof, address)
    return caught.value


async def test_clients_of_the_file_and_of_the_store_are_found(store: Store) -> None:
    await store.clients.create(a_client("kept", "other"))
    services = Services(store)
    assert (await services.authentication.authenticate(RIGHT, HERE)).id == "demo"
    assert (await services.authentication.authenticate(KEPT, HERE)).source == "store"


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


async def test_a_worker_knows_by_itself_whom_it_has_seen(valkey: Valkey, prefix: str) -> None:
    async with worker(valkey.url, prefix) as here:
        await here.store.clients.create(a_client("kept", "other"))
        for proof in (RIGHT, KEPT):
            assert here.services.authentication.known(proof, HERE) is None
            client = await here.services.authentication.authenticate(proof, HERE)
            assert here.services.authentication.known(proof, HERE) == client
            assert here.services.authentication.known(proof, THERE) is None


@pytest.mark.parametrize("secret", ["guess", ""])
async def test_what_is_wrong_is_never_known_but_counted(valkey: Valkey, prefix: str, secret: str) -> None:
    async with worker(valkey.url, prefix) as here:
        await here.services.authentication.authenticate(RIGHT, HERE)
        wrong = replace(RIGHT, secret=secret)
        assert here.services.authentication.known(wrong, HERE) is None
        await refusal(here.services, wrong)
        assert here.services.authentication.known(RIGHT, HERE) is None, "the store has to be asked again"


async def test_who_is_shut_out_by_one_worker_is_by_the_others(valkey: Valkey, prefix: str) -> None:
    rules = GuessingRules(pair_limit=3, first_delay=0.0)
    async with (
        worker(valkey.url, prefix, rules=rules) as one,
        worker(valkey.url, prefix, rules=rules) as other,
    ):
        await other.services.authentication.authenticate(RIGHT, HERE)
        assert other.services.authentication.known(RIGHT, HERE)
        for _ in range(3):
            await refusal(one.services, WRONG)
        await until(lambda: other.services.authentication.known(RIGHT, HERE) is None)
        assert (await refusal(other.services, RIGHT)).status == 429


@pytest.mark.parametrize("change", ["disabled", "secret", "deleted"])
async def test_a_client_that_changes_is_not_known_any_more(valkey: Valkey, prefix: str, change: str) -> None:
    async with worker(valkey.url, prefix) as here, worker(valkey.url, prefix) as other:
        await other.store.clients.create(a_client("kept", "other"))
        await here.services.authentication.authenticate(KEPT, HERE)
        if change == "deleted":
            await other.store.clients.delete("kept")
        else:
            changes: dict[str, object] = {"disabled": {"enabled": False}, "secret": {"secrets": ()}}
            await other.store.clients.update("kept", lambda client: replace(client, **changes[change]))  # type: ignore[arg-type]  # fields by name
        await until(lambda: here.services.authentication.known(KEPT, HERE) is None)
        assert (await refusal(here.services, KEPT)).error == "invalid_client"


async def test_a_worker_that_does_not_hear_from_the_store_knows_nobody(
    own_valkey: Valkey, prefix: str
) -> None:
    async with worker(own_valkey.url, prefix) as here:
        await here.services.authentication.authenticate(RIGHT, HERE)
        own_valkey.kill()
        await until(lambda: here.services.authentication.known(RIGHT, HERE) is None)
        with pytest.raises(StoreUnavailable):
            await here.services.authentication.authenticate(RIGHT, HERE)


async def test_the_failures_of_others_at_ones_address_do_not_slow_one_down(
    valkey: Valkey, prefix: str
) -> None:
    rules = GuessingRules(address_limit=3, first_delay=0.0)
    async with worker(valkey.url, prefix, rules=rules) as here:
        authentication = here.services.authentication
        for number in range(4):
            shut_out = number == 3
            if shut_out:
                assert (await refusal(here.services, RIGHT)).status == 429
            else:
                await authentication.authenticate(RIGHT, HERE)
            assert (authentication.known(RIGHT, HERE) is None) == shut_out
            if not shut_out:
                await refusal(here.services, ClientProof(f"guess-{number}", "x", "client_secret_basic"))
