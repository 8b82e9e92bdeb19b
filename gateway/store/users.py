"""Users who signed up, in one hash: `<prefix>users`, name in lower case to record."""

from __future__ import annotations

from typing import Any

from gateway.errors import GatepostError
from gateway.oauth.people import User
from gateway.store.link import Link
from gateway.store.record import Record, write_record
from gateway.store.script import Script

REPLACE = Script(
    "users.replace",
    """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
""",
)


class UserExists(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """There is a user of this name already."""


class UserChanged(GatepostError):  # noqa: N818 (as above)
    """Somebody else changed or removed the user meanwhile."""


class UserStore:
    """The users under `prefix`. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._key = f"{prefix}users"

    async def get(self, name: str) -> User | None:
        """The user of that name, whatever its case; None where there is none."""
        data: bytes | None = await self._link.execute("HGET", self._key, name.lower())
        return None if data is None else read_user(data)

    async def create(self, user: User) -> None:
        """Keeps a new user. Raises UserExists."""
        new: Any = await self._link.execute("HSETNX", self._key, user.key, write_user(user))
        if not new:
            raise UserExists(f"there is a user {user.name!r} already")

    async def replace(self, before: User, after: User) -> None:
        """Keeps `after` in place of `before`, which it was made of. Raises UserChanged."""
        args = (before.key, write_user(before), write_user(after))
        if not await self._link.script(REPLACE, (self._key,), args):
            raise UserChanged(f"the user {before.name!r} was changed by somebody else")

    async def delete(self, name: str) -> bool:
        """Removes a user; False where there was none."""
        return bool(await self._link.execute("HDEL", self._key, name.lower()))


def write_user(user: User) -> str:
    """The record of a user."""
    members = {"name": user.name, "password": user.password, "admin": user.admin, "created": user.created}
    return write_record(members)


def read_user(data: bytes) -> User | None:
    """The user in a record; None where any part of it is not what it should be."""
    try:
        record = Record.parse(data)
        return User(
            name=record.text("name"),
            password=record.text("password"),
            admin=record.truth("admin", default=False),
            source="store",
            created=record.whole("created", 0),
        )
    except (ValueError, TypeError):
        return None
