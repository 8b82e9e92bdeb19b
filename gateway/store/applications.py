"""The portal's applications, in one hash: `<prefix>apps`, id to record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from gateway.errors import GatepostError
from gateway.oauth.api_subscription import STATES, ApiSubscription
from gateway.oauth.application import Application
from gateway.oauth.application_webhook import STATES as WEBHOOK_STATES
from gateway.oauth.application_webhook import ApplicationWebhook
from gateway.oauth.model import Client
from gateway.store.change_listener import ChangeListener
from gateway.store.client_record import write_client
from gateway.store.clients import client_record_name, read_signed_client
from gateway.store.errors import ClientContended
from gateway.store.json_record import JsonRecord, write_record
from gateway.store.key_names import KeyNames
from gateway.store.link import Commands, StoreLink
from gateway.store.pool import StorePool
from gateway.store.record_mac import RecordMac
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
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(
        self,
        link: StoreLink,
        pool: StorePool,
        names: KeyNames,
        mac: RecordMac,
        changes: ChangeListener | None = None,
        ending: Commands | None = None,
    ) -> None:
        """`ending` revokes; None: `link` does."""
        self._ending: Commands = link if ending is None else ending
        self._link = link
        self._pool = pool
        self._names = names
        self._mac = mac
        self._changes = changes or ChangeListener()

    async def get(self, application_id: str) -> Application | None:
        """The application of that id; None where there is none."""
        data = await self._raw(application_id)
        return None if data is None else self._read(application_id, data)

    async def list(self) -> list[Application]:
        """Every application, by name."""
        found: dict[str, bytes] = {}
        with self._pool.client("a listing of applications") as redis:
            for group in self._names.groups:
                async for name, data in redis.hscan_iter(self._names.applications(group), count=PAGE):
                    found[name.decode("utf-8", "replace")] = data
        read = (self._read(name, data) for name, data in found.items())
        return sorted((one for one in read if one is not None), key=lambda one: (one.name.lower(), one.id))

    async def create(self, application: Application) -> None:
        """Keeps a new application."""
        record = self._signed(application)
        await self._link.execute("HSETNX", self._keys(application.id)[0], application.id, record)
        self._changes.heard("application.create", application.id, None, application)

    async def update(
        self,
        application_id: str,
        change: Callable[[Application], Application],
        client: Client | None = None,
        change_client: Callable[[Client], Client] | None = None,
        *,
        event: str = "application.update",
        of: Callable[[Application], object] = lambda application: application,
        ends: bool = False,
    ) -> Application:
        """Keeps what `change` makes of the application and, in the same step, a new client of it, and what
        `change_client` makes of those that it has. A new one has the application's subscriptions.

        `event`: what is heard of it, about that `of` the application. `ends`: its clients lose something.

        Raises ApplicationMissing, ClientContended, ClientUnreadable.
        """
        commands: Commands = self._ending if ends else self._link
        for _ in range(TRIES):
            before, application = await self._there(application_id)
            after = change(application)
            if client is not None:
                client = replace(client, subscriptions=after.client_subscriptions)
            record = self._signed_client(client) if client else ""
            args = (
                application_id,
                before,
                self._signed(after),
                client.id if client else "",
                record,
                *(await self._changed(application.client_ids, change_client) if change_client else ()),
            )
            if await commands.script(CHANGE, self._keys(application_id), args):
                self._changes.heard(event, application_id, of(application), of(after))
                if client is not None:
                    self._changes.heard("client.create", client.id, None, client)
                return after
        raise ClientContended("others keep changing this application")

    async def delete(
        self, application_id: str, check: Callable[[Application], None] = lambda _: None
    ) -> None:
        """Removes an application, its clients and their tokens, in one step.

        `check` sees what is removed, and may raise. Raises ApplicationMissing.
        """
        for _ in range(TRIES):
            before, application = await self._there(application_id)
            check(application)
            ids = application.client_ids
            of_clients = (key for one in ids for key in self._names.of_client(one))
            keys = (*self._keys(application_id), self._names.activity_of(application_id), *of_clients)
            if await self._ending.script(REMOVE, keys, (application_id, before, *ids)):
                self._changes.heard("application.delete", application_id, application, None)
                return
        raise ClientContended("others keep changing this application")

    async def _there(self, application_id: str) -> tuple[bytes, Application]:
        data = await self._raw(application_id)
        application = None if data is None else self._read(application_id, data)
        if data is None or application is None:
            raise ApplicationMissing("there is no such application")
        return data, application

    async def _changed(self, ids: Iterable[str], change: Callable[[Client], Client]) -> Sequence[str | bytes]:
        """For each client that is there its id, its record, and its next record."""
        found: list[str | bytes] = []
        for client_id in ids:
            data = await self._link.execute("HGET", self._names.clients_with(client_id), client_id)
            if data is not None:
                client = read_signed_client(self._mac, self._names, client_id, data)
                found += [client_id, data, self._signed_client(change(client))]
        return found

    def _signed(self, application: Application) -> str:
        return self._mac.sign(self._record_name(application.id), write_application(application))

    def _signed_client(self, client: Client) -> str:
        return self._mac.sign(client_record_name(self._names, client.id), write_client(client))

    def _read(self, application_id: str, signed: bytes) -> Application | None:
        record = self._mac.verify(self._record_name(application_id), signed)
        return None if record is None else read_application(application_id, record)

    def _record_name(self, application_id: str) -> str:
        return self._names.record("apps", application_id)

    def _keys(self, application_id: str) -> tuple[str, str]:
        """The hashes of an application and of its clients, which are in its group."""
        names = self._names
        return names.applications_with(application_id), names.clients(names.group(application_id))

    async def _raw(self, application_id: str) -> bytes | None:
        data: Any = await self._link.execute("HGET", self._keys(application_id)[0], application_id)
        return data if isinstance(data, bytes) else None


def write_application(application: Application) -> str:
    """The record of an application, without its id: that is the record's name."""
    webhook = application.webhook
    return write_record(
        {
            "name": application.name,
            "owner": application.owner,
            "owner_name": application.owner_name,
            "description": application.description,
            "tier": application.tier,
            "created": application.created,
            "production": application.production,
            "sandbox": application.sandbox,
            "subscriptions": [_written_subscription(one) for one in application.subscriptions],
            "webhook": None if webhook is None else json.dumps(asdict(webhook)),
        }
    )


def _written_subscription(one: ApiSubscription) -> dict[str, Any]:
    told = {
        "api": one.api,
        "state": one.state,
        "scopes": one.scopes,
        "tier": one.tier,
        "note": one.note,
        "asked": one.asked,
        "asked_by": one.asked_by,
        "decided": one.decided,
        "decided_by": one.decided_by,
        "answer": one.answer,
    }
    return {name: value for name, value in told.items() if value}


def _subscription(record: JsonRecord) -> ApiSubscription:
    written = record.text("state")
    state = next((one for one in STATES if one == written), None)
    if state is None:
        raise ValueError("no such state")
    return ApiSubscription(
        record.text("api"),
        state,
        record.texts("scopes"),
        record.text("tier", ""),
        record.text("note", ""),
        record.whole("asked", 0),
        record.text("asked_by", ""),
        record.whole("decided", 0),
        record.text("decided_by", ""),
        record.text("answer", ""),
    )


def _webhook(written: str | None) -> ApplicationWebhook | None:
    if written is None:
        return None
    record = JsonRecord.parse(written.encode())
    off = record.text("off", "")
    state = next((one for one in WEBHOOK_STATES if one == off), None)
    if state is None:
        raise ValueError("no such state")
    return ApplicationWebhook(
        record.text("url"),
        record.text("sealed"),
        record.whole("created", 0),
        record.whole("secret_created", 0),
        record.whole("failing", 0),
        state,
    )


def read_application(application_id: str, data: bytes) -> Application | None:
    """The application in a record; None where any part of it is not what it should be."""
    try:
        record = JsonRecord.parse(data)
        return Application(
            id=application_id,
            name=record.text("name"),
            owner=record.text("owner"),
            owner_name=record.text("owner_name", ""),
            description=record.text("description", ""),
            tier=record.text("tier", ""),
            created=record.whole("created", 0),
            production=record.text_or_none("production"),
            sandbox=record.text_or_none("sandbox"),
            subscriptions=tuple(_subscription(one) for one in record.records("subscriptions")),
            webhook=_webhook(record.text_or_none("webhook")),
        )
    except (ValueError, TypeError):
        return None
