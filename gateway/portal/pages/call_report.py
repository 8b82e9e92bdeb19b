"""What an application, or all of a developer's applications, have called: by API, keys, status and reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.accounts.call_reports import DAY, CallReport, CallRow
from gateway.oauth.application import ENVIRONMENTS, Application
from gateway.portal.call_reasons import reason_text
from gateway.portal.charts import calls_by_day
from gateway.portal.csv_file import csv_file
from gateway.portal.filters import date_text
from gateway.portal.listing import listed
from gateway.portal.page_request import PageRequest
from gateway.portal.pages.applications import the_application

PERIODS = {"1": 1, "7": 7, "31": 31}
"""Days, by what the query calls them."""
MOST_KEYS = 200
"""Keys of one report; the page says so if there are more."""
HEADS = ("day", "application", "environment", "consumer_key", "route", "status", "code", "reason", "calls")


@dataclass(frozen=True, slots=True)
class ReportedKeys:
    """Whose calls a row has."""

    application: Application
    environment: str


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A row of the list."""

    row: CallRow
    owner: ReportedKeys
    title: str
    """The API's; empty: it has none."""

    @property
    def reason(self) -> str:
        """Why the gateway refused these calls; empty: it did not."""
        return reason_text(self.row.kind.status, self.row.kind.reason)

    @property
    def text(self) -> str:
        """What the list is searched for, in lower case."""
        kind, owner = self.row.kind, self.owner
        words = (kind.route, self.title, owner.application.name, owner.environment, kind.status, self.reason)
        return " ".join(map(str, words)).lower()


_COLUMNS: dict[str, Callable[[ReportRow], Any]] = {
    "api": lambda one: one.row.kind.route,
    "keys": lambda one: (one.owner.application.name.casefold(), one.owner.environment),
    "status": lambda one: one.row.kind.status,
    "reason": lambda one: one.reason,
    "calls": lambda one: one.row.number,
}


async def of_application(page_request: PageRequest) -> web.StreamResponse:
    """What one application has called."""
    application = await the_application(page_request)
    return await _page(page_request, application, [application])


async def of_all(page_request: PageRequest) -> web.StreamResponse:
    """What all of one's applications have called."""
    found = await page_request.services.applications.search(page_request.user, right="usage")
    return await _page(page_request, None, found)


async def file_of_application(page_request: PageRequest) -> web.StreamResponse:
    """The same of one application as a file."""
    return await _file(page_request, [await the_application(page_request)])


async def file_of_all(page_request: PageRequest) -> web.StreamResponse:
    """The same of all as a file."""
    return await _file(
        page_request, await page_request.services.applications.search(page_request.user, right="usage")
    )


def reported_keys(applications: Sequence[Application], environment: str) -> dict[str, ReportedKeys]:
    """The keys of an environment, of both where it is empty, by their client ids."""
    return {
        client_id: ReportedKeys(application, name)
        for application in applications
        for name, client_id in application.keys(environment)
    }


async def _page(
    page_request: PageRequest, application: Application | None, counted: Sequence[Application]
) -> web.StreamResponse:
    keys, days, report = await _report(page_request, counted)
    titles = {one.api.path: one.title for one in page_request.services.documents.apis}
    rows = [ReportRow(row, keys[row.client_id], titles.get(row.kind.route, "")) for row in report.rows]
    search = page_request.searched
    found = [one for one in rows if search in one.text]
    request = page_request.request
    return page_request.page(
        "call_report.html",
        application=application,
        report=report,
        rows=listed(found, request.query, _COLUMNS, request.path, ("search", "days", "keys")),
        search=search,
        chart=calls_by_day(report),
        periods=PERIODS,
        days=days,
        keys=_environment(page_request),
        left_out=max(0, len(keys) - MOST_KEYS),
        most=MOST_KEYS,
    )


async def _file(page_request: PageRequest, counted: Sequence[Application]) -> web.StreamResponse:
    keys, _, report = await _report(page_request, counted)
    return csv_file("calls-by-api", HEADS, [file_row(one.day, one.row, keys) for one in report.by_day])


def file_row(date: int, row: CallRow, keys: Mapping[str, ReportedKeys]) -> tuple[str | int, ...]:
    """A row of the file."""
    owner, kind = keys[row.client_id], row.kind
    return (
        date_text(date * DAY),
        owner.application.name,
        owner.environment,
        row.client_id,
        kind.route,
        kind.status,
        kind.reason,
        reason_text(kind.status, kind.reason),
        row.number,
    )


async def _report(
    page_request: PageRequest, counted: Sequence[Application]
) -> tuple[dict[str, ReportedKeys], str, CallReport]:
    keys = reported_keys(counted, _environment(page_request))
    days = page_request.query("days")
    days = days if days in PERIODS else "31"
    return keys, days, await page_request.services.call_reports.report(list(keys)[:MOST_KEYS], PERIODS[days])


def _environment(page_request: PageRequest) -> str:
    asked = page_request.query("keys")
    return asked if asked in ENVIRONMENTS else ""
