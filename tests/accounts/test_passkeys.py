"""Passkeys of people: who signs in with one, and who does not."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import replace

import pytest

from gateway.accounts.attempt_limiter import AttemptLimiter, TooManyAttempts
from gateway.accounts.passkeys import Challenges, Passkeys, PasskeySignIn
from gateway.accounts.passwords import Passwords
from gateway.accounts.users import NotApproved, Users
from gateway.oauth.brute_force import LockoutPolicy
from gateway.oauth.passkey import CHALLENGE_LIFETIME, MOST_PASSKEYS, PasskeyRefused, TooManyPasskeys
from gateway.oauth.passkey import RelyingParty as Party
from gateway.oauth.user import User
from gateway.store import Store
from tests.authenticator import Authenticator
from tests.services import Clock, known_users

PARTY = Party("portal.example", "https://portal.example")
HERE = "192.0.2.1"


class Stage:
    """A person with an authenticator, and two workers of one store."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, Clock()
        self.heard: list[tuple[str, str, object]] = []
        store.changes.heard = lambda action, target, _, after: self.heard.append((action, target, after))  # type: ignore[method-assign]
        self.users = Users(known_users(User("boss", "pw")), store.users, Passwords(), self.clock)
        self.authenticator = Authenticator(PARTY.origin)
        self.own, self.sign_ins = self.worker()

    def worker(self) -> tuple[Passkeys, PasskeySignIn]:
        challenges = Challenges(self.store.once, secrets.token_bytes, self.clock)
        limiter = AttemptLimiter("portal", self.store.attempts, LockoutPolicy(pair_limit=3, first_delay=0.0))
        own = Passkeys(self.store.passkeys, challenges, PARTY, "Portal", self.clock)
        changes = self.store.changes
        return own, PasskeySignIn(
            self.store.passkeys, challenges, PARTY, self.users, limiter, changes, self.clock
        )

    async def ada(self) -> User:
        user = await self.store.users.create(User("ada", "$argon2id$hash", source="store"))
        await self.add(user, self.authenticator)
        return user

    async def add(self, user: User, authenticator: Authenticator) -> None:
        challenge = await self.own.begin(user)
        answer = authenticator.create(await self.own.options(user, challenge))
        await self.own.add(user, "Laptop", answer, challenge)

    async def sign_in(self, **changes: object) -> User:
        challenge, options = self.sign_ins.begin()
        return await self.sign_ins.finish(self.authenticator.get(options, **changes), challenge, HERE)  # type: ignore[arg-type]


@pytest.fixture
def stage(store: Store) -> Stage:
    return Stage(store)


async def test_a_passkey_signs_its_person_in_at_any_worker(stage: Stage) -> None:
    user = await stage.ada()
    stage.clock.now += 60
    challenge, options = stage.sign_ins.begin()
    _, other = stage.worker()
    assert await other.finish(stage.authenticator.get(options), challenge, HERE) == user
    (kept,) = await stage.own.listed(user)
    assert (kept.sign_count, kept.used - kept.created, kept.name) == (1, 60, "Laptop")
    facts = {"name": "ada", "address": HERE, "passkey": "Laptop"}
    assert stage.heard[-1] == ("sign_in", user.id, facts)


async def test_a_challenge_is_answered_once_and_in_time(stage: Stage) -> None:
    await stage.ada()
    stage.authenticator.counts = False
    challenge, options = stage.sign_ins.begin()
    answer = stage.authenticator.get(options)
    others = [stage.worker()[1].finish(answer, challenge, HERE) for _ in range(3)]
    outcomes = await asyncio.gather(*others, return_exceptions=True)
    assert sum(isinstance(one, User) for one in outcomes) == 1, "a replay signs nobody in"
    challenge, options = stage.sign_ins.begin()
    stage.clock.now += CHALLENGE_LIFETIME
    with pytest.raises(PasskeyRefused, match="over"):
        await stage.sign_ins.finish(stage.authenticator.get(options), challenge, "198.51.100.7")
    with pytest.raises(PasskeyRefused, match="over"):
        await stage.sign_ins.finish(stage.authenticator.get(options), None, "198.51.100.7")


async def test_a_counter_that_does_not_grow_is_refused_and_logged(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    user = await stage.ada()
    stage.authenticator.count = 7
    await stage.sign_in()
    stage.authenticator.count = 5
    with caplog.at_level(logging.WARNING, "gatepost"), pytest.raises(PasskeyRefused, match="not grown"):
        await stage.sign_in()
    assert f"a passkey of {user.id} may have been copied: its counter was 8 and is now 6" in caplog.text
    assert (await stage.own.listed(user))[0].sign_count == 8


async def test_who_may_not_sign_in_does_not_by_passkey(stage: Stage) -> None:
    user = await stage.ada()
    blocked = await stage.store.users.replace(user, replace(user, blocked=True))
    with pytest.raises(PasskeyRefused, match="is blocked"):
        await stage.sign_in()
    pending = await stage.store.users.replace(blocked, replace(blocked, blocked=False, pending=True))
    with pytest.raises(NotApproved):
        await stage.sign_in()
    await stage.store.users.replace(pending, replace(pending, pending=False, provider="https://id.example"))
    with pytest.raises(PasskeyRefused, match="nobody's"):
        await stage.sign_in()


async def test_nobody_signs_in_as_another(stage: Stage) -> None:
    await stage.ada()
    eve = await stage.store.users.create(User("eve", "$argon2id$hash", source="store"))
    for number, handle in enumerate((eve.id, "file:boss", "store:0", "nonsense", "file:" + "0" * 900)):
        challenge, options = stage.sign_ins.begin()
        answer = stage.authenticator.get(options, user=handle.encode())
        with pytest.raises(PasskeyRefused):
            await stage.sign_ins.finish(answer, challenge, f"198.51.100.{number}")
    assert stage.heard[-1][0] == "sign_in.failed"


async def test_one_that_was_removed_signs_nobody_in(stage: Stage) -> None:
    user = await stage.ada()
    (passkey,) = await stage.own.listed(user)
    assert await stage.own.remove(user, passkey.id)
    assert not await stage.own.remove(user, passkey.id)
    with pytest.raises(PasskeyRefused, match="no such passkey"):
        await stage.sign_in()


async def test_many_wrong_answers_lock_an_address_out(stage: Stage) -> None:
    await stage.ada()
    for _ in range(3):
        with pytest.raises(PasskeyRefused):
            await stage.sign_in(origin="https://evil.example")
    with pytest.raises(TooManyAttempts):
        await stage.sign_in()


async def test_there_is_a_most_and_none_twice(stage: Stage) -> None:
    user = await stage.ada()
    challenge = await stage.own.begin(user)
    answer = stage.authenticator.create(await stage.own.options(user, challenge))
    with pytest.raises(PasskeyRefused, match="already"):
        await stage.own.add(user, "Again", answer, challenge)
    last = await stage.own.begin(user)
    for _ in range(MOST_PASSKEYS - 1):
        await stage.add(user, Authenticator(PARTY.origin))
    with pytest.raises(TooManyPasskeys):
        await stage.own.begin(user)
    answer = Authenticator(PARTY.origin).create(await stage.own.options(user, last))
    with pytest.raises(TooManyPasskeys):
        await stage.own.add(user, "One more", answer, last)


async def test_several_are_added_and_used_at_once(stage: Stage) -> None:
    user = await stage.ada()
    await asyncio.gather(
        *(stage.add(user, Authenticator(PARTY.origin)) for _ in range(3)), stage.sign_in(), stage.sign_in()
    )
    assert len(await stage.own.listed(user)) == 4
