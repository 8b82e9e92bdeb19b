import asyncio
from dataclasses import replace

import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.grants import Grant
from gateway.oauth.model import Client
from gateway.store import Store
from gateway.tokens.granted_facts import granted_token_info
from gateway.tokens.token_issuer import ReuseRules, reuse_key
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.services import Services, a_client, worker
from tests.store.stage import until

pytestmark = pytest.mark.usefixtures("both_formats")

GRANT = Grant("demo", ("am_application_scope", "default"), (), 600, reusable=True)
GRANT_TYPE = "client_credentials"


async def test_a_token_is_answered_with_what_its_client_needs_to_know(store: Store) -> None:
    answer = await Services(store).issuer.issue(a_client(), GRANT_TYPE, GRANT)
    assert answer.body == {
        "access_token": answer.access_token,
        "scope": "am_application_scope default",
        "token_type": "Bearer",
        "expires_in": 600,
    }


async def test_a_live_token_is_given_out_again_with_its_remaining_seconds(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    services = Services(store)
    first = await services.issuer.issue(a_client(), GRANT_TYPE, GRANT)
    with valkey.client as client:
        (key,) = list(client.scan_iter(f"{prefix}t:*"))
        client.pexpire(key, 100_500)
    again = await services.issuer.issue(a_client(), GRANT_TYPE, GRANT)
    assert again.access_token == first.access_token
    assert again.reused
    assert again.expires_in in (99, 100)


async def test_a_token_that_ends_soon_is_followed_by_a_new_one_and_lives_on(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    services = Services(store, reuse=ReuseRules(renew_before=60))
    first = await services.issuer.issue(a_client(), GRANT_TYPE, GRANT)
    with valkey.client as client:
        (key,) = list(client.scan_iter(f"{prefix}t:*"))
        client.expire(key, 60)
    second = await services.issuer.issue(a_client(), GRANT_TYPE, GRANT)
    assert second.access_token != first.access_token
    assert await services.token_validator.resolve(first.access_token)
    assert await services.token_validator.resolve(second.access_token)


@pytest.mark.parametrize(
    "other",
    [
        replace(GRANT, scopes=("default",)),
        replace(GRANT, audience=("https://a.example",)),
        replace(GRANT, subject="other"),
        replace(GRANT, extra={"device": "1"}),
        replace(GRANT, reusable=False),
    ],
)
async def test_other_facts_get_a_token_of_their_own(store: Store, other: Grant) -> None:
    services = Services(store)
    first = await services.issuer.issue(a_client(), GRANT_TYPE, GRANT)
    assert (await services.issuer.issue(a_client(), GRANT_TYPE, other)).access_token != first.access_token


async def test_reuse_can_be_switched_off(store: Store) -> None:
    services = Services(store, reuse=ReuseRules(enabled=False))
    tokens = {(await services.issuer.issue(a_client(), GRANT_TYPE, GRANT)).access_token for _ in range(3)}
    assert len(tokens) == 3


async def test_the_order_of_scopes_does_not_matter(store: Store) -> None:
    services = Services(store)
    first = await services.issuer.issue(a_client(), GRANT_TYPE, GRANT)
    turned = replace(GRANT, scopes=GRANT.scopes[::-1])
    assert (await services.issuer.issue(a_client(), GRANT_TYPE, turned)).access_token == first.access_token


async def test_many_equal_requests_at_once_on_two_workers_get_one_token(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    other = Store(valkey.url, prefix, mac=MAC)
    await other.start()
    workers = [Services(store), Services(other)]
    answers = await asyncio.gather(
        *(workers[number % 2].issuer.issue(a_client(), GRANT_TYPE, GRANT) for number in range(200))
    )
    await other.stop()
    assert len({answer.access_token for answer in answers}) == 1
    with valkey.client as client:
        assert len(list(client.scan_iter(f"{prefix}t:*"))) == 1


async def test_a_gateway_with_another_key_gets_a_token_of_its_own(store: Store) -> None:
    opaque = a_client(format="opaque")
    first = await Services(store).issuer.issue(opaque, GRANT_TYPE, GRANT)
    second = await Services(store, key=b"o" * 32).issuer.issue(opaque, GRANT_TYPE, GRANT)
    assert second.access_token != first.access_token
    assert not second.reused


async def test_neither_the_token_nor_the_key_to_it_is_in_the_store(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    answer = await Services(store).issuer.issue(a_client(), GRANT_TYPE, GRANT)
    with valkey.client as client:
        keys = list(client.scan_iter(f"{prefix}*"))
        everything = b"".join(keys) + b"".join(client.get(key) or b"" for key in keys)
        ttl = client.ttl(next(key for key in keys if key.startswith(f"{prefix}t:".encode())))
    assert answer.access_token.encode() not in everything
    assert abs(ttl - answer.expires_in) <= 1


async def test_a_client_that_was_removed_meanwhile_gets_no_token(store: Store) -> None:
    with pytest.raises(OAuthError) as caught:
        await Services(store).issuer.issue(a_client("gone", source="store"), GRANT_TYPE, GRANT)
    assert caught.value.error == "invalid_client"


def test_no_two_sets_of_facts_share_a_slot() -> None:
    one = Grant("a", ("b c",), ("d",), 1)
    other = Grant("a", ("b",), ("c", "d"), 1)
    assert reuse_key(Client("x"), "g", one) != reuse_key(Client("x"), "g", other)
    assert reuse_key(Client("x"), "yg", one) != reuse_key(Client("xy"), "g", one)


async def test_a_clients_own_format_wins(store: Store) -> None:
    services = Services(store)
    jwt = await services.issuer.issue(a_client(format="jwt"), GRANT_TYPE, GRANT)
    opaque = await services.issuer.issue(a_client(format="opaque"), GRANT_TYPE, GRANT)
    assert jwt.access_token.startswith("ey")
    assert opaque.access_token.startswith("gpt_")
    assert (await services.issuer.issue(a_client(format="jwt"), GRANT_TYPE, GRANT)).reused


async def test_each_binding_has_a_token_of_its_own(store: Store) -> None:
    services = Services(store)
    bindings: list[dict[str, str]] = [
        {},
        {"jkt": "a"},
        {"jkt": "b"},
        {"x5t#S256": "a"},
        {"jkt": "a", "x5t#S256": "a"},
    ]
    tokens = []
    for cnf in bindings * 2:
        answer = await services.issuer.issue(a_client(), GRANT_TYPE, GRANT, cnf)
        assert answer.token_type == ("DPoP" if "jkt" in cnf else "Bearer")
        tokens.append(answer.access_token)
        facts = await services.token_validator.resolve(answer.access_token)
        assert facts is not None
        assert facts.cnf == cnf
    assert tokens[:5] == tokens[5:]
    assert len(set(tokens)) == 5


@pytest.mark.parametrize(
    ("changes", "cnf"),
    [
        ({"require_dpop": True}, {}),
        ({"require_dpop": True}, {"x5t#S256": "a"}),
        ({"require_mtls": True}, {"jkt": "a"}),
        ({"require_mtls": True, "require_dpop": True}, {"jkt": "a"}),
    ],
)
async def test_nobody_gets_a_token_that_is_less_bound_than_its_clients_must_be(
    store: Store, changes: dict[str, bool], cnf: dict[str, str]
) -> None:
    with pytest.raises(OAuthError):
        await Services(store).issuer.issue(a_client(**changes), GRANT_TYPE, GRANT, cnf)


def test_a_client_of_the_store_with_another_tier_gets_a_token_of_its_own() -> None:
    grant = Grant("x", (), (), 60)
    plain, gold = Client("x", source="store"), Client("x", source="store", tier="gold")
    assert reuse_key(plain, "g", grant) != reuse_key(gold, "g", grant)
    assert granted_token_info(gold, "g", grant, 0).tier == "gold"
    of_file = Client("x", tier="gold")
    assert granted_token_info(of_file, "g", grant, 0).tier is None, "the file's word counts"


async def test_a_token_that_was_given_out_again_is_known_from_then_on(valkey: Valkey, prefix: str) -> None:
    async with worker(valkey.url, prefix) as here:
        issuer = here.services.issuer
        first = await issuer.issue(a_client(), GRANT_TYPE, GRANT)
        assert issuer.cached(a_client(), GRANT_TYPE, GRANT) is None, "nothing was read of it"
        await issuer.issue(a_client(), GRANT_TYPE, GRANT)
        here.asked.clear()
        known = issuer.cached(a_client(), GRANT_TYPE, GRANT)
        assert known is not None
        assert (known.access_token, known.name, known.reused) == (first.access_token, first.name, True)
        assert known.expires_in in (599, 600)
        assert issuer.cached(a_client(), GRANT_TYPE, replace(GRANT, scopes=("default",))) is None
        assert issuer.cached(a_client(), GRANT_TYPE, replace(GRANT, reusable=False)) is None
        assert issuer.cached(a_client(require_dpop=True), GRANT_TYPE, GRANT) is None
        assert issuer.cached(a_client(), GRANT_TYPE, GRANT, {"jkt": "a"}) is None
        assert here.asked == []


@pytest.mark.parametrize("change", ["token", "client", "lost", "slot", "end"])
async def test_a_known_token_is_forgotten_when_anything_changes(
    valkey: Valkey, prefix: str, change: str
) -> None:
    async with worker(valkey.url, prefix) as here, worker(valkey.url, prefix) as other:
        issuer = here.services.issuer
        for _ in range(2):
            given = await issuer.issue(a_client(), GRANT_TYPE, GRANT)
        assert issuer.cached(a_client(), GRANT_TYPE, GRANT)
        with valkey.client as redis:
            if change == "token":
                await other.store.tokens.revoke(given.name)
            elif change == "client":
                await other.store.tokens.revoke_all("demo")
            elif change == "lost":
                redis.delete(f"{prefix}g:demo")
            elif change == "slot":
                redis.delete(*redis.keys(f"{prefix}s:*"))
            else:
                redis.pexpire(f"{prefix}t:{given.name}", 200_000)
        await until(lambda: issuer.cached(a_client(), GRANT_TYPE, GRANT) is None)
        after = await issuer.issue(a_client(), GRANT_TYPE, GRANT)
        assert (after.access_token == given.access_token) == (change == "end")


async def test_no_token_is_known_of_a_client_that_was_removed(valkey: Valkey, prefix: str) -> None:
    async with worker(valkey.url, prefix) as here, worker(valkey.url, prefix) as other:
        issuer, kept = here.services.issuer, a_client("kept", source="store")
        await other.store.clients.create(kept)
        for _ in range(2):
            await issuer.issue(kept, GRANT_TYPE, GRANT)
        assert issuer.cached(kept, GRANT_TYPE, GRANT)
        await other.store.clients.delete("kept")
        await until(lambda: issuer.cached(kept, GRANT_TYPE, GRANT) is None)


async def test_a_token_that_is_revoked_here_is_not_given_out_again(valkey: Valkey, prefix: str) -> None:
    async with worker(valkey.url, prefix) as here:
        issuer = here.services.issuer
        for _ in range(2):
            given = await issuer.issue(a_client(), GRANT_TYPE, GRANT)
        await here.services.token_validator.revoke(given.access_token)
        assert issuer.cached(a_client(), GRANT_TYPE, GRANT) is None
        assert (await issuer.issue(a_client(), GRANT_TYPE, GRANT)).access_token != given.access_token


async def test_what_is_left_of_a_known_token_is_judged_each_time(valkey: Valkey, prefix: str) -> None:
    async with worker(valkey.url, prefix, reuse=ReuseRules(renew_before=598)) as here:
        issuer = here.services.issuer
        for _ in range(2):
            await issuer.issue(a_client(), GRANT_TYPE, GRANT)
        assert issuer.cached(a_client(), GRANT_TYPE, GRANT)
        await until(lambda: issuer.cached(a_client(), GRANT_TYPE, GRANT) is None)

        async def renewed() -> bool:
            return not (await issuer.issue(a_client(), GRANT_TYPE, GRANT)).reused

        # A worker counts from its question, so it is a moment earlier than the store.
        await until(renewed, within=1)


async def test_a_revocation_while_the_token_is_read_is_heard_of_after_it_was_kept(
    valkey: Valkey, prefix: str
) -> None:
    async with worker(valkey.url, prefix) as here:
        issuer, store = here.services.issuer, here.store
        for _ in range(20):
            given = await issuer.issue(a_client(), GRANT_TYPE, GRANT)
            # All leave in one write, and the server answers in one go.
            await asyncio.gather(issuer.issue(a_client(), GRANT_TYPE, GRANT), store.tokens.revoke(given.name))
            await store.ping()
            assert issuer.cached(a_client(), GRANT_TYPE, GRANT) is None


async def test_without_the_store_no_token_is_known(own_valkey: Valkey, prefix: str) -> None:
    async with worker(own_valkey.url, prefix) as here:
        issuer = here.services.issuer
        for _ in range(2):
            await issuer.issue(a_client(), GRANT_TYPE, GRANT)
        own_valkey.freeze()
        await until(lambda: issuer.cached(a_client(), GRANT_TYPE, GRANT) is None)
        own_valkey.thaw()
