"""Pictures of what an application, or all of a developer's applications, have done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aiohttp import web

from gateway.accounts.usage_reports import SPANS
from gateway.oauth.application import ENVIRONMENTS, Application
from gateway.portal.charts import charts
from gateway.portal.page_request import PageRequest
from gateway.portal.pages.applications import the_application

MOST_KEYS = 5000
"""Keys that are added up on one page; the page says so if there are more."""


async def of_application(page_request: PageRequest) -> web.StreamResponse:
    """What one application has done."""
    application = await the_application(page_request)
    return await _page(page_request, application, [application])


async def of_all(page_request: PageRequest) -> web.StreamResponse:
    """What all of one's applications have done."""
    found = await page_request.services.applications.search(page_request.user, right="usage")
    return await _page(page_request, None, found)


async def _page(
    page_request: PageRequest, application: Application | None, counted: Sequence[Application]
) -> web.StreamResponse:
    over, keys = page_request.query("over"), page_request.query("keys")
    keys = keys if keys in ENVIRONMENTS else ""
    ids = key_ids(counted, keys)
    report = await page_request.services.reports.report(ids[:MOST_KEYS], over if over in SPANS else "hour")
    return page_request.page(
        "usage.html",
        application=application,
        report=report,
        charts=charts(report),
        spans=SPANS,
        keys=keys,
        environments=ENVIRONMENTS,
        left_out=max(0, len(ids) - MOST_KEYS),
        most=MOST_KEYS,
    )


def key_ids(applications: Iterable[Application], environment: str) -> list[str]:
    """The client ids of the applications' keys of one environment; of all where it is empty."""
    return [client_id for application in applications for _, client_id in application.keys(environment)]
