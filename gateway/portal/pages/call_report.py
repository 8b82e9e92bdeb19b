"""What an application, or all of a developer's applications, have called: by API, keys, status and reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.accounts.call_reports import DAY, CallReport, CallRow
from gateway.oauth.application import ENVIRONMENTS, Application
from gateway.portal.call_reasons import reason_text
from gateway.portal.charts import calls_by_day
from gateway.portal.csv_file import csv_file
from gateway.portal.filters import date_text
from gateway.portal.page_request import PageRequest
from gateway.portal.pages.applications import the_application

PERIODS = {"1": 1, "7": 7, "31": 31}
"""Days, by what the query calls them."""
MOST_KEYS = 200
"""Keys of one report; the page says so if there are more."""
MOST_ROWS = 100
"""Rows on a page; the file has all."""
HEADS = ("day", "application", "environment", "consumer_key", "route", "status", "code", "reason", "calls")


@dataclass(frozen=True, slots=True)
class ReportedKeys:
    """Whose calls a row has."""

    application: Application
    environment: str


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
    rows = report.rows
    titles = {one.api.path: one.title for one in page_request.services.documents.apis}
    return page_request.page(
        "call_report.html",
        application=application,
        report=report,
        rows=[(row, keys[row.client_id]) for row in rows[:MOST_ROWS]],
        more=max(0, len(rows) - MOST_ROWS),
        titles=titles,
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
