"""Clients whose secrets come as hashes of another server."""

import asyncio
from dataclasses import replace
from hashlib import pbkdf2_hmac, sha256

import pytest

from gateway.accounts import slow_secrets
from gateway.accounts.attempt_limiter import AttemptLimiter
from gateway.accounts.clients import ClientAuthentication
from gateway.accounts.passwords import HashQueue, Passwords
from gateway.accounts.slow_secrets import SlowSecrets, is_strong
from gateway.oauth.brute_force import LockoutPolicy
from gateway.oauth.client_auth import ClientProof
from gateway.oauth.errors import OAuthError
from gateway.oauth.model import Client, Secret
from gateway.oauth.secret_hashes import read_hash
from gateway.store import Store
from tests.services import Services, a_client

STRONG, WEAK = "Vf3kQ0a9ZtLm7XwB2rNdYs6h", "letmein"


def hashed(secret: str) -> str:
    kept = read_hash(f"pbkdf2:sha256:1000$salt${pbkdf2_hmac('sha256', secret.encode(), b'salt', 1000).hex()}")
    assert isinstance(kept, str)
    return kept


def client_of(secret: str, **changes: object) -> Client:
    kept = Secret(b"", "imported-1", created=7, foreign=hashed(secret))
    return a_client("kept", secrets=(kept,), source="store", **changes)


def proof(secret: str, **more: str) -> ClientProof:
    return ClientProof("kept", secret, "client_secret_post", **more)


class Counted:
    """Counts the hashes that are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0
        real = slow_secrets.hash_matches

        def counted(kept: str, secret: str) -> bool:
            self.made += 1
            return real(kept, secret)

        monkeypatch.setattr(slow_secrets, "hash_matches", counted)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def authentication(
    store: Store, passwords: Passwords | None = None, rules: LockoutPolicy | None = None
) -> ClientAuthentication:
    services = Services(store)
    return ClientAuthentication(
        services.clients,
        AttemptLimiter("token", store.attempts, rules or LockoutPolicy(first_delay=0.0)),
        services.clock,
        slow_secrets=SlowSecrets(passwords or Passwords(), store.clients),
    )


async def refused(clients: ClientAuthentication, shown: ClientProof) -> str:
    with pytest.raises(OAuthError) as caught:
        await clients.authenticate(shown, "192.0.2.1")
    return caught.value.error


async def test_a_strong_secret_is_kept_as_the_gateways_own_hash_once_it_was_shown(
    store: Store, counted: Counted
) -> None:
    await store.clients.create(client_of(STRONG))
    clients = authentication(store)
    assert await refused(clients, proof(STRONG + "x")) == "invalid_client"
    assert (await clients.authenticate(proof(STRONG), "192.0.2.1")).id == "kept"
    changed = await store.clients.get("kept")
    assert changed is not None
    assert changed.secrets == (Secret(sha256(STRONG.encode()).digest(), "imported-1", created=7),)
    made = counted.made
    assert (await clients.authenticate(proof(STRONG), "192.0.2.1")).id == "kept"
    assert counted.made == made


async def test_a_weak_secret_keeps_its_slow_hash_and_is_hashed_once_a_worker(
    store: Store, counted: Counted
) -> None:
    before = client_of(WEAK)
    await store.clients.create(before)
    clients = authentication(store)
    for _ in range(3):
        assert (await clients.authenticate(proof(WEAK), "192.0.2.1")).id == "kept"
    assert counted.made == 1
    assert await store.clients.get("kept") == before
    assert await refused(clients, proof(WEAK.upper())) == "invalid_client"


async def test_a_secret_may_come_raw_where_basic_wants_it_encoded(store: Store) -> None:
    await store.clients.create(client_of("a+b%"))
    shown = proof("a b%", raw_secret="a+b%")
    assert (await authentication(store).authenticate(shown, "192.0.2.1")).id == "kept"


async def test_no_hash_is_made_for_who_is_locked_out_or_may_not_use_secrets(
    store: Store, counted: Counted
) -> None:
    await store.clients.create(client_of(WEAK))
    rules = LockoutPolicy(pair_limit=2, first_delay=0.0)
    for _ in range(2):
        assert await refused(authentication(store, rules=rules), proof("guess")) == "invalid_client"
    made = counted.made
    assert await refused(authentication(store, rules=rules), proof(WEAK)) == "slow_down"
    await store.clients.create(replace(client_of(WEAK), id="keyed", auth=frozenset({"private_key_jwt"})))
    keyed = ClientProof("keyed", WEAK, "client_secret_post")
    assert await refused(authentication(store), keyed) == "invalid_client"
    await store.clients.create(replace(client_of(WEAK), id="off", enabled=False))
    assert await refused(authentication(store), ClientProof("off", WEAK, "client_secret_post")) == (
        "invalid_client"
    )
    assert counted.made == made


async def test_an_expired_secret_and_a_very_long_one_are_wrong(store: Store, counted: Counted) -> None:
    ended = client_of(WEAK)
    await store.clients.create(replace(ended, secrets=(replace(ended.secrets[0], expires=1),)))
    assert await refused(authentication(store), proof(WEAK)) == "invalid_client"
    await store.clients.create(replace(client_of(WEAK), id="long"))
    long = ClientProof("long", "x" * 1025, "client_secret_post")
    assert await refused(authentication(store), long) == "invalid_client"
    assert counted.made == 0


async def test_who_finds_the_queue_full_is_told_to_come_again(store: Store) -> None:
    await store.clients.create(client_of(WEAK))
    passwords = Passwords(queue=HashQueue(at_once=1, most_addresses=0))
    clients = authentication(store, passwords)
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with passwords.turn("192.0.2.9"):
            entered.set()
            await leave.wait()

    holding = asyncio.create_task(hold())
    await entered.wait()
    assert await refused(clients, proof(WEAK)) == "slow_down"
    leave.set()
    await holding


def test_what_a_server_generates_is_strong_and_what_people_choose_is_not() -> None:
    assert is_strong(STRONG)
    assert is_strong("7c9e6679-7425-40de-944b-e07fc1f90ae7")
    assert not is_strong("correct horse battery")
    assert not is_strong("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
