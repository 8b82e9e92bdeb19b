"""The last calls of keys as a file."""

from __future__ import annotations

from aiohttp import web

from gateway.portal.call_reasons import reason_text
from gateway.portal.csv_file import csv_file
from gateway.portal.filters import utc
from gateway.portal.page_request import PageRequest
from gateway.portal.pages.key_page import key_page

HEADS = ("time", "method", "route", "status", "code", "reason", "seconds", "request_id")


async def download(page_request: PageRequest) -> web.StreamResponse:
    """All that are kept."""
    shown = await key_page(page_request)
    services = page_request.services
    calls = await services.calls.last(shown.keys.id, services.facts.recent_calls)
    rows = (
        (
            utc(one.time),
            one.method,
            one.route,
            one.status,
            one.reason,
            reason_text(one.status, one.reason),
            one.seconds,
            one.request_id,
        )
        for one in calls
    )
    return csv_file(f"calls-{shown.environment}", HEADS, rows)
