"""Who did what in the portal: entries that are read by people, beside the audit log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.clock import Clock
from gateway.oauth.application import Application
from gateway.oauth.model import Client
from gateway.store.activity import LIFETIME, ActivityStore

MOST_TEXT = 4000
"""Characters of what differs in an entry; of more, only the names are kept."""
PLACE = re.compile(r"[0-9]{1,19}-[0-9]{1,19}", re.ASCII)
"""Where a page of entries begins."""
PAGE = 25
SCAN = 500
"""Entries that are read at a time where not all are shown."""
_TOLD_ELSEWHERE = frozenset({"id", "created", "source", "has_owner"})
"""Of a record: its id is the target, and its beginning the entry's time."""
_MOMENTS = frozenset({"asked", "decided", "expires"})
"""Seconds since the epoch, 0 where it has not come about."""
ACTIONS = (
    "application.create",
    "application.update",
    "application.delete",
    "client.create",
    "client.update",
    "client.delete",
    "client.revoke_tokens",
    "subscription.request",
    "subscription.approve",
    "subscription.refuse",
    "subscription.end",
    "subscription.withdraw",
    "team.create",
    "team.update",
    "team.delete",
    "user.create",
    "user.update",
    "user.delete",
)
"""What is copied from the audit log. Sign-ins are not: whoever likes could fill the store with them."""


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """Something that somebody did."""

    id: str
    """Random: an entry whose write was repeated is there twice, and shown once."""
    time: float
    """Seconds since the epoch."""
    actor: str
    """As in the audit log."""
    action: str
    target: str
    application: str
    """The application's id; empty: none."""
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    def to_json(self) -> str:
        """One line, bounded in size; ValueError never."""
        told = {name: getattr(self, name) for name in self.__slots__}
        if len(json.dumps([self.before, self.after])) > MOST_TEXT:
            told |= {"before": _names(self.before), "after": _names(self.after)}
        return json.dumps(told)

    @classmethod
    def from_json(cls, text: str) -> ActivityEntry | None:
        """What `to_json` made; None: it is something else."""
        try:
            told = json.loads(text)
            return cls(
                str(told["id"]),
                float(told["time"]),
                str(told["actor"]),
                str(told["action"]),
                str(told["target"]),
                str(told["application"]),
                _mapping(told["before"]),
                _mapping(told["after"]),
            )
        except (ValueError, TypeError, KeyError):
            return None

    @property
    def who(self) -> str:
        """The actor's name: of people, who have an id before it, that alone."""
        first, _, name = self.actor.partition(" ")
        return name or first

    def changes(self) -> Iterator[tuple[str, str, str]]:
        """What differs: its name, what it was and what it is."""
        before, after = self.before or {}, self.after or {}
        for name in dict.fromkeys((*before, *after)):
            if name in _TOLD_ELSEWHERE:
                continue
            was, now = (_readable(name, one.get(name)) for one in (before, after))
            if was or now:
                yield name, "" if was == now else was, now


def application_of(action: str, target: str, before: object | None, after: object | None) -> str:
    """The application that a change of the store is about; empty: none.

    A client that is removed leaves a change of its application, which is what tells of it.
    """
    if action.startswith("subscription."):
        return target
    record = before if after is None else after
    if isinstance(record, Application):
        # Its own list went with it.
        return "" if after is None else record.id
    return record.application if isinstance(record, Client) else ""


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """Which entries are wanted; what is empty allows all."""

    actor: str = ""
    """A part of it."""
    action: str = ""
    applications: frozenset[str] | None = None
    """Ids; None: any, or none."""
    since: float = 0
    until: float = 0
    """Exclusively."""

    def takes(self, entry: ActivityEntry) -> bool:
        """Whether an entry is wanted. Times are for the store to look at."""
        return (
            self.actor.lower() in entry.actor.lower()
            and self.action in ("", entry.action)
            and (self.applications is None or entry.application in self.applications)
        )


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Some entries, newest first."""

    entries: tuple[ActivityEntry, ...]
    older: str
    """Where further ones begin; empty: there are none."""


class Activity:
    """Reads it. Raises StoreUnavailable."""

    def __init__(self, store: ActivityStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def page(
        self, application_id: str = "", wanted: ActivityFilter = ActivityFilter(), before: str = ""
    ) -> ActivityPage:
        """A page of one application, or of all where it is empty."""
        since = max(wanted.since, self._clock() - LIFETIME)
        found: dict[str, ActivityEntry] = {}
        count = PAGE + 1 if wanted == ActivityFilter() else SCAN
        while True:
            read = await self._store.read(
                application_id, count, before=before, since=since, until=wanted.until
            )
            for place, text in read:
                entry = ActivityEntry.from_json(text)
                if entry is not None and wanted.takes(entry) and entry.id not in found:
                    if len(found) == PAGE:
                        return ActivityPage(tuple(found.values()), before)
                    found[entry.id] = entry
                before = place
            if len(read) < count:
                return ActivityPage(tuple(found.values()), "")


def _names(facts: Mapping[str, Any] | None) -> dict[str, str] | None:
    return None if facts is None else dict.fromkeys(facts, "…")


def _mapping(value: object) -> Mapping[str, Any] | None:
    if value is not None and not isinstance(value, dict):
        raise TypeError
    return value


def _readable(name: str, value: object) -> str:
    """A value for a person: moments as such, of a webhook its URL."""
    if name in _MOMENTS and isinstance(value, int):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M UTC") if value else ""
    if name == "webhook" and isinstance(value, dict):
        state = f" ({value['off']})" if value.get("off") else ""
        return f"{value.get('url', '')}{state}"
    return _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    if isinstance(value, dict):
        # A secret, or a subscription: that is its name.
        named = next((value[name] for name in ("name", "api") if value.get(name)), None)
        return str(named) if named else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
