"""What an application has called how often, by day, keys, route, status and reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.accounts.call_reports import DAY, DAYS, DayRow
from gateway.oauth.application import ENVIRONMENTS
from gateway.portal.api.api_request import Call
from gateway.portal.api.paging import paged
from gateway.portal.call_reasons import reason_text
from gateway.portal.filters import date_text

KEY_TYPES = {name.upper(): name for name in ENVIRONMENTS}


async def listing(call: Call) -> web.Response:
    """The calls of an application, counted by day, keys, route, status and reason."""
    application, days = await call.application(), call.number("days", DAYS, DAYS)
    wanted = call.choice("keyType", KEY_TYPES)
    keys = application.keys("" if wanted is None else KEY_TYPES[wanted])
    types = {client_id: name.upper() for name, client_id in keys}
    report = await call.services.call_reports.report(list(types), days)
    return paged(call, report.by_day, lambda one: _shape(one, types))


def _shape(one: DayRow, types: Mapping[str, str]) -> dict[str, Any]:
    return {
        "date": date_text(one.day * DAY),
        "keyMappingId": one.row.client_id,
        "keyType": types[one.row.client_id],
        "route": one.row.kind.route,
        "status": one.row.kind.status,
        "code": one.row.kind.reason or None,
        "reason": reason_text(one.row.kind.status, one.row.kind.reason) or None,
        "calls": one.row.number,
    }
