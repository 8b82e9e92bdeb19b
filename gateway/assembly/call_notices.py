"""Notices of what clients call: limits that are used up, and many errors."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.accounts.call_watch import CallKind, ErrorRule, RouteErrors, failed, spent_name
from gateway.accounts.limits_left import ReadLimits
from gateway.accounts.usage_reports import UsageReports
from gateway.clock import Clock
from gateway.http.problems import RATE_LIMITED
from gateway.notices.events import errors_high, limit_reached, named
from gateway.notices.outbox import NoticeOutbox
from gateway.oauth.model import Client
from gateway.store import Store


class CallNotices:
    """Asks the store only about clients that hit a limit, or got an error, since it was asked last."""

    def __init__(
        self, store: Store, outbox: NoticeOutbox, limits: ReadLimits, rule: ErrorRule, clock: Clock
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._limits = limits
        self._rule = rule
        self._clock = clock
        self._routes = RouteErrors(rule)
        self._reports = UsageReports(store.usage, store.registered_users, clock)

    async def look(self, calls: Mapping[str, Mapping[CallKind, int]]) -> None:
        """Tells what is to be told of these calls. Raises StoreUnavailable."""
        for kinds in calls.values():
            self._routes.add(kinds, self._clock())
        if self._outbox.wants("errors.high"):
            await self._look_at_routes()
        for client_id, kinds in calls.items():
            limited = any(kind.reason == RATE_LIMITED.code for kind in kinds)
            limited = limited and self._outbox.wants("limit.reached")
            wrong = failed(kinds) and self._outbox.wants("errors.high")
            client = await self._store.clients.get(client_id) if limited or wrong else None
            if client is not None and limited:
                await self._look_at_limits(client)
            if client is not None and wrong:
                await self._look_at_errors(client)

    async def _look_at_routes(self) -> None:
        seconds = 60 * self._rule.minutes
        for route, found in self._routes.broken(self._clock()).items():
            if await self._store.once.first("errors-notice", f"route {route}", seconds):
                self._outbox.put(errors_high({"route": route}, *found, seconds))

    async def _look_at_limits(self, client: Client) -> None:
        for left in await self._limits(client):
            if left.left:
                continue
            name, seconds = spent_name(client.id, left, self._clock())
            if await self._store.once.first("limit-notice", name, seconds):
                self._outbox.put(limit_reached(client, left))

    async def _look_at_errors(self, client: Client) -> None:
        report = await self._reports.report([client.id], "hour")
        found = self._rule.broken(slot.statuses for slot in report.slots)
        seconds = 60 * self._rule.minutes
        if found is not None and await self._store.once.first(
            "errors-notice", f"client {client.id}", seconds
        ):
            self._outbox.put(errors_high(named(client), *found, seconds))
