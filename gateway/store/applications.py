"""The portal's applications, in one hash: `<prefix>apps`, id to record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gateway.errors import GatepostError
from gateway.oauth.application import Application
from gateway.oauth.values import Client
from gateway.store.client_record import read_client, write_client
from gateway.store.errors import ClientContended
from gateway.store.link import Link
from gateway.store.pool import Pool
from gateway.store.record import Record, write_record
from gateway.store.script import Script

TRIES = 20
"""How often a change is begun anew because somebody else was quicker."""
PAGE = 500

CHANGE = Script(
    "applications.change",
    """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
for i = 6, #ARGV, 3 do
  if redis.call('HGET', KEYS[2], ARGV[i]) ~= ARGV[i + 1] then return 0 end
end
if ARGV[4] ~= '' and redis.call('HSETNX', KEYS[2], ARGV[4], ARGV[5]) == 0 then return 0 end
for i = 6, #ARGV, 3 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 2])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
""",
)
REMOVE = Script(
    "applications.remove",
    """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
for i = 3, #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[i])
end
for i = 3, #KEYS do
  redis.call('DEL', KEYS[i])
end
return redis.call('HDEL', KEYS[1], ARGV[1])
""",
)


class ApplicationMissing(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """There is no application of this id, or no longer."""


class ApplicationStore:
    """The applications under `prefix`. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: Link, pool: Pool, prefix: str) -> None:
        self._link = link
        self._pool = pool
        self._prefix = prefix
        self._keys = (f"{prefix}apps", f"{prefix}clients")

    async def get(self, application_id: str) -> Application | None:
        """The application of that id; None where there is none."""
        data = await self._raw(application_id)
        return None if data is None else read_application(application_id, data)

    async def list(self) -> list[Application]:
        """Every application, by name."""
        found: dict[str, bytes] = {}
        with self._pool.client("a listing of applications") as redis:
            async for name, data in redis.hscan_iter(self._keys[0], count=PAGE):
                found[name.decode("utf-8", "replace")] = data
        read = (read_application(name, data) for name, data in found.items())
        return sorted((one for one in read if one is not None), key=lambda one: (one.name.lower(), one.id))

    async def create(self, application: Application) -> None:
        """Keeps a new application."""
        record = write_application(application)
        await self._link.execute("HSETNX", self._keys[0], application.id, record)

    async def update(
        self,
        application_id: str,
        change: Callable[[Application], Application],
        client: Client | None = None,
        change_client: Callable[[Client], Client] | None = None,
    ) -> Application:
        """Keeps what `change` makes of the application and, in the same step, a new client of it, and what
        `change_client` makes of those that it has.

        Raises ApplicationMissing, ClientContended, ClientUnreadable.
        """
        record = write_client(client) if client else ""
        for _ in range(TRIES):
            before, application = await self._there(application_id)
            after = change(application)
            args = (
                application_id,
                before,
                write_application(after),
                client.id if client else "",
                record,
                *(await self._changed(application.client_ids, change_client) if change_client else ()),
            )
            if await self._link.script(CHANGE, self._keys, args):
                return after
        raise ClientContended("others keep changing this application")

    async def delete(self, application_id: str) -> None:
        """Removes an application, its clients and their tokens, in one step. Raises ApplicationMissing."""
        for _ in range(TRIES):
            before, application = await self._there(application_id)
            ids = application.client_ids
            # A client's generation, who has used it, and how much.
            keys = (*self._keys, *(f"{self._prefix}{kind}:{one}" for one in ids for kind in "gun"))
            if await self._link.script(REMOVE, keys, (application_id, before, *ids)):
                return
        raise ClientContended("others keep changing this application")

    async def _there(self, application_id: str) -> tuple[bytes, Application]:
        data = await self._raw(application_id)
        application = None if data is None else read_application(application_id, data)
        if data is None or application is None:
            raise ApplicationMissing("there is no such application")
        return data, application

    async def _changed(self, ids: Iterable[str], change: Callable[[Client], Client]) -> Sequence[str | bytes]:
        """For each client that is there its id, its record, and its next record."""
        found: list[str | bytes] = []
        for client_id in ids:
            data = await self._link.execute("HGET", self._keys[1], client_id)
            if data is not None:
                found += [client_id, data, write_client(change(read_client(client_id, data)))]
        return found

    async def _raw(self, application_id: str) -> bytes | None:
        data: Any = await self._link.execute("HGET", self._keys[0], application_id)
        return data if isinstance(data, bytes) else None


def write_application(application: Application) -> str:
    """The record of an application, without its id: that is the record's name."""
    return write_record(
        {
            "name": application.name,
            "owner": application.owner,
            "description": application.description,
            "tier": application.tier,
            "created": application.created,
            "production": application.production,
            "sandbox": application.sandbox,
        }
    )


def read_application(application_id: str, data: bytes) -> Application | None:
    """The application in a record; None where any part of it is not what it should be."""
    try:
        record = Record.parse(data)
        return Application(
            id=application_id,
            name=record.text("name"),
            owner=record.text("owner"),
            description=record.text("description", ""),
            tier=record.text("tier", ""),
            created=record.whole("created", 0),
            production=record.text_or_none("production"),
            sandbox=record.text_or_none("sandbox"),
        )
    except (ValueError, TypeError):
        return None
