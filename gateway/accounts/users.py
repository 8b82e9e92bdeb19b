"""Finds and authenticates users: those of gateway.yaml, and those who signed up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Protocol

from gateway.accounts.attempt_limiter import AttemptLimiter, RefusalPacer, TooManyAttempts
from gateway.accounts.file_users import FileUsers
from gateway.accounts.passwords import Hashing, Passwords
from gateway.clock import Clock
from gateway.errors import GatepostError
from gateway.oauth.brute_force import Attempt
from gateway.oauth.roles import Role
from gateway.oauth.user import User
from gateway.store.change_listener import ChangeListener
from gateway.store.users import LastAdministrator, UserChanged, UserExists

__all__ = [
    "LastAdministrator",
    "NotApproved",
    "TooManyAttempts",
    "UserAuthentication",
    "UserChanged",
    "UserExists",
    "Users",
    "WrongPassword",
]


class WrongPassword(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """The user is unknown or the password wrong: which one is not revealed.

    `delay` is by how many seconds the response is delayed.
    """

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__("unknown user or wrong password")
        self.delay = delay


class NotApproved(WrongPassword):
    """The password is right, but no administrator has approved the account yet."""


class UserRepository(Protocol):
    """The accounts of people who signed up."""

    async def get(self, name: str) -> User | None:
        """The account of that name; None where there is none."""

    async def get_by_id(self, user_id: str) -> User | None:
        """The account of that id; None where there is none."""

    async def names(self, ids: Iterable[str]) -> dict[str, str]:
        """The names of the accounts with these ids, as far as they exist."""

    async def list(self) -> list[User]:
        """Every account."""

    async def create(self, user: User) -> User:
        """Stores a new account; returns it with its id. Raises UserExists."""

    async def replace(self, before: User, after: User, *, needs_admin: bool = False) -> User:
        """Replaces `before` by `after`; sessions and tokens end. `needs_admin`: another must be there.

        Raises UserChanged, UserExists, LastAdministrator.
        """

    async def delete(self, name: str) -> bool:
        """Removes an account; False where there was none."""


class Users:
    """All users. Where a user of gateway.yaml and an account have one name, it means the former.

    Users are identified by their id. Names are for signing in and for display.
    """

    def __init__(
        self, of_file: FileUsers, of_store: UserRepository, passwords: Passwords, clock: Clock
    ) -> None:
        self._of_file = of_file
        self._of_store = of_store
        self._passwords = passwords
        self._clock = clock
        self._hashes: dict[str, str] = {}
        self._hashing_file = asyncio.Lock()

    @property
    def any_in_file(self) -> bool:
        """Whether gateway.yaml has any users."""
        return bool(self._of_file.declared)

    @property
    def of_file(self) -> list[User]:
        """The users of gateway.yaml, by name."""
        found = (self._of_file.find(name) for name in sorted(self._of_file.declared))
        return [one for one in found if one is not None]

    async def find(self, name: str) -> User | None:
        """The user of that name, whatever its case; None where there is none."""
        found = self._of_file.find(name)
        return found if found is not None else await self._of_store.get(name)

    async def get(self, user_id: str) -> User | None:
        """The user of that id; None where there is none, or no longer."""
        if user_id.startswith("file:"):
            return self._of_file.get(user_id)
        return await self._of_store.get_by_id(user_id) if user_id.startswith("store:") else None

    async def find_by_name_or_id(self, text: str) -> User | None:
        """The user of that name or id. No name has a colon, and every id has one."""
        return await (self.get(text) if ":" in text else self.find(text))

    async def names(self, ids: Iterable[str]) -> dict[str, str]:
        """The names of the users with these ids, as far as they exist."""
        wanted = set(ids)
        of_file = {one: user.name for one in wanted if (user := self._of_file.get(one)) is not None}
        return of_file | await self._of_store.names(one for one in wanted if one.startswith("store:"))

    async def accounts(self) -> list[tuple[User, bool]]:
        """The accounts of the store, each with whether gateway.yaml has a user of its name."""
        return [(one, one.key in self._of_file.declared) for one in await self._of_store.list()]

    async def create(self, name: str, password: str, address: str, *, pending: bool = False) -> User:
        """Stores a new user; a `pending` one must be approved first.

        Raises UserExists, TooManyAttempts where too many passwords wait for hashing.
        """
        if await self.find(name) is not None:
            raise UserExists(f"there is a user {name!r} already")
        async with self._passwords.turn(address) as hashing:
            kept = await hashing.hash(password)
        made = User(name, kept, source="store", created=int(self._clock()), pending=pending)
        return await self._of_store.create(made)

    async def create_without_password(self, user: User) -> User:
        """Stores somebody whom a provider signs in, with the id that they have there. Raises UserExists."""
        if await self.find(user.name) is not None:
            raise UserExists(f"there is a user {user.name!r} already")
        return await self._of_store.create(user)

    async def change_role(self, user: User, role: Role) -> User:
        """Gives somebody another role; sessions and tokens end. Raises UserChanged."""
        return await self._of_store.replace(user, replace(user, role=role))

    async def set_role(self, user: User, role: Role) -> User:
        """The same, but the last administrator keeps the role. Raises LastAdministrator, UserChanged."""
        needs_admin = user.admin and role != "admin" and not any(one.admin for one in self.of_file)
        return await self._of_store.replace(user, replace(user, role=role), needs_admin=needs_admin)

    async def resign(self, user: User) -> User:
        """Takes the role from an administrator who goes. Raises LastAdministrator, UserChanged.

        Whom a provider signs in gets it there again, so may always go.
        """
        return user if not user.admin or user.provider else await self.set_role(user, "developer")

    async def approve(self, user: User) -> User:
        """Lets a pending user sign in. Raises UserChanged."""
        return await self._of_store.replace(user, replace(user, pending=False))

    async def reject(self, user: User) -> None:
        """Removes the account of a pending user, whose name is free again."""
        await self._of_store.delete(user.name)

    async def delete(self, user: User) -> None:
        """Removes an account; its sessions and tokens end, and its applications stay without an owner."""
        await self._of_store.delete(user.name)

    async def rename(self, user: User, name: str) -> User:
        """Renames a user of the store, and ends the sessions and tokens, which have the old name.

        Raises UserExists, UserChanged.
        """
        if name.lower() != user.key and await self.find(name) is not None:
            raise UserExists(f"there is a user {name!r} already")
        return await self._of_store.replace(user, replace(user, name=name))

    async def change_password(self, user: User, password: str, address: str) -> User:
        """Changes the password of a user of the store; sessions and tokens end.

        Raises UserChanged, TooManyAttempts as above.
        """
        async with self._passwords.turn(address) as hashing:
            changed = replace(user, password=await hashing.hash(password))
        return await self._of_store.replace(user, changed)

    def turn(self, address: str) -> AbstractAsyncContextManager[Hashing]:
        """A turn at hashing, for `has_password`. Raises TooManyAttempts where too many wait already."""
        return self._passwords.turn(address)

    async def has_password(self, user: User | None, password: str, hashing: Hashing) -> bool:
        """Whether it is the user's password. False for None, and for who has none, after the same time."""
        if user is not None and user.provider:
            user = None
        same = await hashing.verify(await self._hash_of(user, hashing), password)
        return same and user is not None

    async def _hash_of(self, user: User | None, hashing: Hashing) -> str:
        if user is not None and user.hashed:
            return user.password
        async with self._hashing_file:
            if not self._hashes:
                await self._hash_the_file(hashing)
        return self._hashes["" if user is None else user.key]

    async def _hash_the_file(self, hashing: Hashing) -> None:
        """Hashes the plain passwords of gateway.yaml, and one for unknown users: all at once, so that the
        time of later attempts does not reveal who exists."""
        plain = {user.key: user.password for user in self._of_file.declared.values() if not user.hashed}
        self._hashes = {key: await hashing.hash(password) for key, password in {**plain, "": ""}.items()}


class UserAuthentication:
    """Authenticates people by their passwords, and limits how often that may fail."""

    def __init__(self, users: Users, limiter: AttemptLimiter, changes: ChangeListener | None = None) -> None:
        """`changes` hears of sign-ins, good ones and bad ones."""
        self._users = users
        self._limiter = limiter
        self._changes = changes or ChangeListener()
        self._pacer = RefusalPacer()

    async def authenticate(self, name: str, password: str, address: str) -> User:
        """The user of that name and password.

        Raises:
            WrongPassword: there is none.
            NotApproved: there is one, and it is pending.
            TooManyAttempts: too many have failed, or too many wait.
            StoreUnavailable: it can't be known now.
        """
        attempt = self._limiter.attempt(name.lower(), address)
        try:
            return await self._authenticate(attempt, password, address)
        except TooManyAttempts as error:
            error.delay = max(error.delay, self._pacer.delay(self._limiter.tick()))
            raise

    async def _authenticate(self, attempt: Attempt, password: str, address: str) -> User:
        began = self._limiter.tick()
        self._limiter.refuse_if_known(attempt)
        async with self._users.turn(address) as hashing:
            user = await self._verified(attempt, password, hashing)
        if user is None:
            delay = await self._limiter.failed(attempt, began)
            self._changes.heard("sign_in.failed", attempt.name, None, {"address": address})
            raise WrongPassword(delay)
        await self._limiter.succeeded(attempt, began)
        if user.pending:
            raise NotApproved
        self._changes.heard("sign_in", user.id, None, {"name": user.name, "address": address})
        return user

    async def _verified(self, attempt: Attempt, password: str, hashing: Hashing) -> User | None:
        # Others may have failed while this one waited: no need to hash then.
        await self._limiter.refuse_if_locked(attempt)
        user = await self._users.find(attempt.name)
        right = await self._users.has_password(user, password, hashing)
        # Who is blocked learns no more than who has the wrong password.
        return user if right and user is not None and not user.blocked else None
