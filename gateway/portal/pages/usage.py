"""Pictures of what an application, or all of a developer's applications, have done."""

from __future__ import annotations

from aiohttp import web

from gateway.accounts.usage_reports import SPANS
from gateway.oauth.application import Application
from gateway.portal.charts import charts
from gateway.portal.pages.applications import the_application
from gateway.portal.visit import Visit

MOST_CLIENTS = 200
"""Keys that are added up on one page."""


async def of_application(visit: Visit) -> web.StreamResponse:
    """What one application has done."""
    application = await the_application(visit)
    return await _page(visit, application, application.client_ids)


async def of_all(visit: Visit) -> web.StreamResponse:
    """What all of one's applications have done."""
    found = await visit.desk.applications.search(visit.user)
    ids = tuple(one for application in found for one in application.client_ids)
    return await _page(visit, None, ids[:MOST_CLIENTS])


async def _page(visit: Visit, application: Application | None, ids: tuple[str, ...]) -> web.StreamResponse:
    over = visit.query("over")
    report = await visit.desk.reports.report(ids, over if over in SPANS else "hour")
    return visit.page(
        "usage.html", application=application, report=report, charts=charts(report), spans=SPANS
    )
