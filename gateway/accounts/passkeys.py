"""People's passkeys: added and removed by their owners, and used to sign in without a password."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from gateway.accounts.attempt_limiter import AttemptLimiter
from gateway.accounts.users import NotApproved, Users
from gateway.accounts.webauthn_ceremonies import (
    creation_options,
    read_assertion,
    request_options,
    verify_assertion,
    verify_creation,
)
from gateway.clock import Clock
from gateway.oauth.opaque_tokens import Random
from gateway.oauth.passkey import (
    CHALLENGE_LIFETIME,
    MOST_PASSKEYS,
    Challenge,
    Passkey,
    PasskeyRefused,
    RelyingParty,
    TooManyPasskeys,
    count_regressed,
)
from gateway.oauth.user import User
from gateway.store.change_listener import ChangeListener
from gateway.store.passkeys import PasskeysChanged, StoredPasskeys

log = logging.getLogger("gatepost")

CHALLENGE_BYTES = 32
TRIES = 5
"""Attempts, where a person's passkeys are used and changed at the same time."""
_USER_ID = re.compile(r"(file|store):[0-9a-f]{1,64}")


class PasskeyRepository(Protocol):
    """Where passkeys are. Every method raises StoreUnavailable unless the store has answered."""

    async def read(self, user_id: str) -> StoredPasskeys:
        """A person's passkeys."""

    async def replace(self, user: User, before: StoredPasskeys, after: tuple[Passkey, ...]) -> None:
        """Writes a person's passkeys. Raises PasskeysChanged."""


class UsedChallenges(Protocol):
    """Which challenges have been answered (`gateway.store.replay_cache.ReplayCache`)."""

    async def first(self, purpose: str, name: str, seconds: int) -> bool:
        """Whether this is the first use within so many seconds. Raises StoreUnavailable."""


class Challenges:
    """Makes challenges, and takes each once: for all workers and gateways of a store together."""

    def __init__(self, used: UsedChallenges, random: Random, clock: Clock) -> None:
        self._used = used
        self._random = random
        self._clock = clock

    def new(self) -> Challenge:
        """Another challenge."""
        return Challenge(self._random(CHALLENGE_BYTES).hex(), int(self._clock()) + CHALLENGE_LIFETIME)

    async def take(self, challenge: Challenge | None) -> bytes:
        """The challenge, which nobody can answer any more. Raises PasskeyRefused, StoreUnavailable."""
        if challenge is None or challenge.ends <= self._clock():
            raise PasskeyRefused("the challenge is over, or was another browser's")
        if not await self._used.first("passkey", challenge.value, 2 * CHALLENGE_LIFETIME):
            raise PasskeyRefused("the challenge has been answered already")
        return bytes.fromhex(challenge.value)


class Passkeys:
    """A person's own passkeys."""

    def __init__(
        self, store: PasskeyRepository, challenges: Challenges, party: RelyingParty, title: str, clock: Clock
    ) -> None:
        """`title`: what people know the portal as."""
        self._store = store
        self._challenges = challenges
        self._party = party
        self._title = title
        self._clock = clock

    async def listed(self, user: User) -> tuple[Passkey, ...]:
        """All of them, in the order in which they were made."""
        return (await self._store.read(user.id)).passkeys

    async def begin(self, user: User) -> Challenge:
        """For adding one. Raises TooManyPasskeys."""
        _refuse_more(await self.listed(user))
        return self._challenges.new()

    async def options(self, user: User, challenge: Challenge) -> str:
        """What the browser is asked to make, as JSON."""
        existing = await self.listed(user)
        named = (user.id, user.name)
        return creation_options(self._party, self._title, named, existing, bytes.fromhex(challenge.value))

    async def add(self, user: User, name: str, answer: str, challenge: Challenge | None) -> Passkey:
        """Adds what the browser has made. Raises PasskeyRefused, TooManyPasskeys, PasskeysChanged."""
        made = verify_creation(answer, await self._challenges.take(challenge), self._party)
        passkey = Passkey(
            made.id, name, made.public_key, made.sign_count, int(self._clock()), transports=made.transports
        )

        def added(present: tuple[Passkey, ...]) -> tuple[Passkey, ...]:
            _refuse_more(present)
            if any(one.id == passkey.id for one in present):
                raise PasskeyRefused("this passkey is there already")
            return (*present, passkey)

        await change_passkeys(self._store, user, added)
        return passkey

    async def remove(self, user: User, passkey_id: str) -> bool:
        """Removes one; False: there is none of that id."""
        removed = False

        def without(present: tuple[Passkey, ...]) -> tuple[Passkey, ...]:
            nonlocal removed
            kept = tuple(one for one in present if one.id != passkey_id)
            removed = len(kept) < len(present)
            return kept

        await change_passkeys(self._store, user, without)
        return removed


def _refuse_more(present: tuple[Passkey, ...]) -> None:
    if len(present) >= MOST_PASSKEYS:
        raise TooManyPasskeys(f"there can be {MOST_PASSKEYS} passkeys at the most")


async def change_passkeys(
    store: PasskeyRepository, user: User, change: Callable[[tuple[Passkey, ...]], tuple[Passkey, ...]]
) -> None:
    """Changes a person's passkeys as they are. Raises PasskeysChanged where they never stay so."""
    for left in reversed(range(TRIES)):
        before = await store.read(user.id)
        after = change(before.passkeys)
        if after == before.passkeys:
            return
        try:
            await store.replace(user, before, after)
        except PasskeysChanged:
            if not left:
                raise
        else:
            return


class PasskeySignIn:
    """Signs people in who have a passkey."""

    def __init__(
        self,
        store: PasskeyRepository,
        challenges: Challenges,
        party: RelyingParty,
        users: Users,
        limiter: AttemptLimiter,
        changes: ChangeListener,
        clock: Clock,
    ) -> None:
        """`changes` hears of sign-ins, good ones and bad ones."""
        self._store = store
        self._challenges = challenges
        self._party = party
        self._users = users
        self._limiter = limiter
        self._changes = changes
        self._clock = clock

    def begin(self) -> tuple[Challenge, str]:
        """What the browser is asked to sign with any passkey, and the same for its script, as JSON."""
        challenge = self._challenges.new()
        return challenge, request_options(self._party, bytes.fromhex(challenge.value))

    async def finish(self, answer: str, challenge: Challenge | None, address: str) -> User:
        """Who has signed.

        Raises:
            PasskeyRefused: nobody has who may sign in.
            NotApproved: somebody has, whose account is pending.
            TooManyAttempts: too many answers from this address were refused.
            StoreUnavailable: it can't be known now.
        """
        began = self._limiter.tick()
        attempt = self._limiter.attempt("", address)
        await self._limiter.refuse_if_locked(attempt)
        try:
            user, passkey = await self._proven(answer, challenge)
        except PasskeyRefused as error:
            log.info("nobody is signed in by a passkey: %s", error)
            self._changes.heard("sign_in.failed", "", None, {"address": address, "reason": str(error)})
            await self._limiter.failed(attempt, began)
            raise
        if user.pending:
            raise NotApproved
        facts = {"name": user.name, "address": address, "passkey": passkey.name}
        self._changes.heard("sign_in", user.id, None, facts)
        return user

    async def _proven(self, answer: str, challenge: Challenge | None) -> tuple[User, Passkey]:
        asked = await self._challenges.take(challenge)
        assertion = read_assertion(answer)
        user = await self._user(assertion.user_id)
        present = (await self._store.read(user.id)).passkeys
        passkey = next((one for one in present if one.id == assertion.id), None)
        if passkey is None:
            raise PasskeyRefused(f"{user.id} has no such passkey")
        count = verify_assertion(assertion, asked, self._party, passkey)
        # Only now is it known that the passkey has signed.
        if user.blocked:
            raise PasskeyRefused(f"{user.id} is blocked")
        await self._note(user, passkey, count)
        return user, passkey

    async def _user(self, user_id: str) -> User:
        user = await self._users.get(user_id) if _USER_ID.fullmatch(user_id) else None
        # A provider decides at each sign-in whether its people may come: a passkey would go past it.
        if user is None or user.provider:
            raise PasskeyRefused("it is nobody's")
        return user

    async def _note(self, user: User, passkey: Passkey, count: int) -> None:
        """Keeps the counter and when it was used. Raises PasskeyRefused where it was copied, or is gone."""

        def noted(present: tuple[Passkey, ...]) -> tuple[Passkey, ...]:
            now = next((one for one in present if one.id == passkey.id), None)
            if now is None:
                raise PasskeyRefused(f"{user.id} has no such passkey any more")
            if count_regressed(now.sign_count, count):
                log.warning(
                    "a passkey of %s may have been copied: its counter was %d and is now %d",
                    user.id,
                    now.sign_count,
                    count,
                )
                raise PasskeyRefused(f"the counter of a passkey of {user.id} has not grown")
            used = replace(now, sign_count=count, used=int(self._clock()))
            return tuple(used if one.id == passkey.id else one for one in present)

        await change_passkeys(self._store, user, noted)
