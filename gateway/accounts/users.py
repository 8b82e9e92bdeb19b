"""Finds people and proves who they are: those of gateway.yaml, beside those who signed up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from gateway.accounts.clients import Attempts
from gateway.accounts.passwords import Passwords
from gateway.clock import Clock
from gateway.errors import GatepostError
from gateway.oauth.guessing import GuessingRules
from gateway.oauth.people import User
from gateway.store.users import UserExists


class WrongPassword(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """There is no such user, or it has another password: nobody is told which.

    `delay` is how many seconds the answer is to be held back.
    """

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__("unknown user or wrong password")
        self.delay = delay


class TooManyAttempts(GatepostError):  # noqa: N818 (as above)
    """Too many attempts have failed. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many failed attempts")
        self.retry_after = max(1, retry_after)


class UserKeeper(Protocol):
    """Where users who signed up are kept."""

    async def get(self, name: str) -> User | None:
        """The user of that name; None where there is none."""

    async def create(self, user: User) -> None:
        """Keeps a new user. Raises UserExists."""

    async def replace(self, before: User, after: User) -> None:
        """Keeps `after` in place of `before`."""


class Users:
    """All users. Those of the file win over those of the same name in the store."""

    def __init__(
        self, of_file: Iterable[User], of_store: UserKeeper, passwords: Passwords, clock: Clock
    ) -> None:
        self._of_file = {user.key: user for user in of_file}
        self._of_store = of_store
        self._passwords = passwords
        self._clock = clock
        self._hashes: dict[str, str] = {}

    @property
    def any_in_file(self) -> bool:
        """Whether gateway.yaml names anybody."""
        return bool(self._of_file)

    async def find(self, name: str) -> User | None:
        """The user of that name, whatever its case; None where there is none."""
        found = self._of_file.get(name.lower())
        return found if found is not None else await self._of_store.get(name)

    async def create(self, name: str, password: str) -> User:
        """Keeps a new user. Raises UserExists."""
        if await self.find(name) is not None:
            raise UserExists(f"there is a user {name!r} already")
        kept = await self._passwords.hash(password)
        user = User(name, kept, source="store", created=int(self._clock()))
        await self._of_store.create(user)
        return user

    async def change_password(self, user: User, password: str) -> User:
        """Gives a user of the store another password. Raises UserChanged."""
        changed = replace(user, password=await self._passwords.hash(password))
        await self._of_store.replace(user, changed)
        return changed

    async def has_password(self, user: User | None, password: str) -> bool:
        """Whether it is the user's. For nobody it takes as long, and is never so."""
        same = await self._passwords.verify(await self._hash_of(user), password)
        return same and user is not None

    async def _hash_of(self, user: User | None) -> str:
        if user is not None and user.hashed:
            return user.password
        # A plain one of the file, or nobody's: hashed once, so that every attempt costs the same.
        key, plain = ("", "") if user is None else (user.key, user.password)
        if key not in self._hashes:
            self._hashes[key] = await self._passwords.hash(plain)
        return self._hashes[key]


class UserAuthentication:
    """Judges a person's password, and slows down who guesses."""

    def __init__(self, users: Users, attempts: Attempts, rules: GuessingRules) -> None:
        self._users = users
        self._attempts = attempts
        self._rules = rules

    async def authenticate(self, name: str, password: str, address: str) -> User:
        """The user of that name and password.

        Raises:
            WrongPassword: there is none.
            TooManyAttempts: who asks has failed too often.
            StoreUnavailable: it can't be known now.
        """
        # No client id has a line break, so people and clients are counted apart.
        counted = f"user\n{name.lower()}"
        failures = await self._attempts.failures(counted, address)
        if self._rules.shut_out(failures):
            raise TooManyAttempts(failures.retry_after)
        user = await self._users.find(name)
        if not await self._users.has_password(user, password) or user is None:
            failures = await self._attempts.record_failure(counted, address)
            raise WrongPassword(self._rules.delay(failures))
        if failures.pair:
            await self._attempts.clear(counted, address)
        return user

    async def may_sign_up(self, address: str, most: int) -> bool:
        """Counts a new account of an address; False where it has made `most` in the window under way."""
        counted = "sign-up\n"
        if (await self._attempts.failures(counted, address)).pair >= most:
            return False
        await self._attempts.record_failure(counted, address)
        return True
