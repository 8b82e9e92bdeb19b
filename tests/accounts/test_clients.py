import asyncio
import json
from dataclasses import replace
from itertools import cycle

import pytest

from gateway.accounts.attempt_limiter import AttemptLimiter
from gateway.accounts.clients import ClientAuthentication
from gateway.errors import StoreUnavailable
from gateway.oauth.assertion import read_assertion
from gateway.oauth.brute_force import LockoutPolicy
from gateway.oauth.client_auth import ClientProof
from gateway.oauth.errors import OAuthError
from gateway.oauth.model import TokenInfo
from gateway.store import Store
from tests.client_keys import signer
from tests.conftest import Valkey
from tests.services import ISSUER, Services, a_client, worker
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


async def test_an_unknown_client_and_a_wrong_secret_are_answered_alike(store: Store) -> None:
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
    services = Services(store, rules=LockoutPolicy(pair_limit=4, first_delay=0.1))
    delays = [(await refusal(services, WRONG)).delay for _ in range(4)]
    assert delays == sorted(delays)
    assert delays[0] < delays[-1]
    shut_out = await refusal(services, RIGHT)
    assert shut_out.status == 429
    assert shut_out.retry_after is not None
    assert 1 <= shut_out.retry_after <= 60
    assert (await services.authentication.authenticate(RIGHT, THERE)).id == "demo"


async def test_an_address_that_tries_many_clients_is_shut_out(store: Store) -> None:
    services = Services(store, rules=LockoutPolicy(address_limit=5, first_delay=0.0))
    for number in range(5):
        await refusal(services, ClientProof(f"guess-{number}", "x", "client_secret_basic"))
    assert (await refusal(services, RIGHT)).status == 429
    assert (await services.authentication.authenticate(RIGHT, THERE)).id == "demo"


async def test_a_success_forgives_no_guesses(store: Store) -> None:
    """Else a client that is busy would give whoever shares its address any number of guesses."""
    services = Services(store, rules=LockoutPolicy(pair_limit=3, first_delay=0.0))
    for _ in range(3):
        assert await services.authentication.authenticate(RIGHT, HERE)
        assert (await refusal(services, WRONG)).status == 401
    assert (await refusal(services, WRONG)).status == 429


async def test_of_guesses_at_once_no_more_are_judged_than_the_limit(store: Store) -> None:
    services = Services(store, rules=LockoutPolicy(pair_limit=7, first_delay=0.0))
    told = await asyncio.gather(*(refusal(services, WRONG) for _ in range(300)))
    assert sorted(error.status for error in told) == [401] * 7 + [429] * 293


async def test_right_secrets_at_once_do_not_use_up_the_limits(store: Store) -> None:
    services = Services(store, rules=LockoutPolicy(pair_limit=2, address_limit=3))
    done = await asyncio.gather(*(services.authentication.authenticate(RIGHT, HERE) for _ in range(100)))
    assert {client.id for client in done} == {"demo"}


async def test_a_right_secret_is_not_confirmed_behind_a_lock(store: Store) -> None:
    services = Services(store, rules=LockoutPolicy(pair_limit=2, first_delay=0.0))
    await services.authentication.authenticate(RIGHT, HERE)
    for _ in range(3):
        await refusal(services, WRONG)
    right, wrong = await refusal(services, RIGHT), await refusal(services, WRONG)
    assert (right.status, right.body) == (wrong.status, wrong.body) == (429, wrong.body)


async def test_a_client_that_has_succeeded_from_a_locked_address_still_does(store: Store) -> None:
    services = Services(store, rules=LockoutPolicy(address_limit=3, first_delay=0.0))
    await services.authentication.authenticate(RIGHT, HERE)
    for number in range(5):
        await refusal(services, ClientProof(f"guess-{number}", "x", "client_secret_basic"))
    assert (await services.authentication.authenticate(RIGHT, HERE)).id == "demo"
    assert (await refusal(services, WRONG)).status == 429


def by_assertion(text: str) -> ClientProof:
    return ClientProof("keyed", "", "private_key_jwt", signed=read_assertion(text))


async def test_an_assertion_is_never_locked_out_but_one_that_is_wrong_is(store: Store) -> None:
    key = signer("ES256")
    services = Services(
        store,
        [a_client("keyed", secrets=(), jwks=json.dumps(key.jwks))],
        rules=LockoutPolicy(pair_limit=2, address_limit=2, first_delay=0.0),
    )
    wrong = by_assertion("a.b.c")
    assert [(await refusal(services, wrong)).status for _ in range(3)] == [401, 401, 429]
    right = ClientProof(
        "keyed",
        "",
        "private_key_jwt",
        signed=read_assertion(key.assertion("keyed", ISSUER, services.clock())),
    )
    assert (await services.authentication.authenticate(right, HERE)).id == "keyed"


async def test_after_an_assertion_the_next_one_costs_no_count_in_the_store(
    valkey: Valkey, prefix: str
) -> None:
    key = signer("ES256")
    keyed = a_client("keyed", secrets=(), jwks=json.dumps(key.jwks))
    counted, once = ["SET", "attempts.count"], ["SET"]
    async with worker(valkey.url, prefix, file_clients=[keyed]) as one:
        for address, asked in ((HERE, counted), (HERE, once), (THERE, counted), (HERE, once)):
            text = key.assertion("keyed", ISSUER, one.services.clock())
            proof = by_assertion(text)
            one.asked.clear()
            assert (await one.services.authentication.authenticate(proof, address)).id == "keyed"
            assert one.asked == asked
        assert (await refusal(one.services, proof)).error == "invalid_client", "it was used before"


async def test_the_answer_to_an_unknown_client_is_due_when_that_to_a_wrong_secret_is(store: Store) -> None:
    """However long the work takes: here the clock says that it took no time, or a third of a delay."""
    for took in (0.0, 0.04):
        services = Services(store)
        ticks = cycle([10.0, 10.0 + took])
        rules = LockoutPolicy(first_delay=0.06)
        limiter = AttemptLimiter(f"took-{took}", store.attempts, rules, tick=ticks.__next__)
        authentication = ClientAuthentication(services.clients, limiter, services.clock)
        for client_id in ("demo", "nobody"):
            with pytest.raises(OAuthError) as caught:
                await authentication.authenticate(
                    ClientProof(client_id, "x", "client_secret_basic"), client_id
                )
            assert took + caught.value.delay == pytest.approx(0.12)


async def test_a_client_taken_out_of_the_file_holds_no_tokens(store: Store) -> None:
    facts = TokenInfo("demo", (), (), "demo", 0, 2**40, "client_credentials")
    assert Services(store).clients.may_hold(facts)
    assert not Services(store, []).clients.may_hold(facts)
    assert not Services(store, [a_client(enabled=False)]).clients.may_hold(facts)


async def test_a_client_in_the_store_can_never_pass_for_one_of_the_file(store: Store) -> None:
    facts = TokenInfo("demo", (), (), "demo", 0, 2**40, "client_credentials", source="store")
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
    rules = LockoutPolicy(pair_limit=3, first_delay=0.0)
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


async def test_the_failures_of_others_at_ones_address_neither_slow_one_down_nor_lock_one_out(
    valkey: Valkey, prefix: str
) -> None:
    rules = LockoutPolicy(address_limit=3, first_delay=0.0)
    async with worker(valkey.url, prefix, rules=rules) as here:
        authentication = here.services.authentication
        for number in range(5):
            await authentication.authenticate(RIGHT, HERE)
            assert authentication.known(RIGHT, HERE)
            status = (await refusal(here.services, replace(WRONG, client_id=f"guess-{number}"))).status
            assert status == (401 if number < 3 else 429)
