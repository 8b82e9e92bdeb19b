"""Who did what with an application; for administrators, in the whole portal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from aiohttp import web

from gateway.accounts.activity import ACTIONS, PLACE, ActivityFilter, ActivityPage
from gateway.portal.page_request import PageRequest
from gateway.portal.pages.applications import the_application

MOST_TEXT = 100


async def of_application(page_request: PageRequest) -> web.StreamResponse:
    """What was done with one application."""
    application = await the_application(page_request)
    shown = await page_request.services.activity.page(application.id, before=_before(page_request))
    older = _older(page_request, {}, shown)
    return page_request.page("activity.html", application=application, shown=shown, names={}, older=older)


async def of_all(page_request: PageRequest) -> web.StreamResponse:
    """What was done with all of them, with accounts and with teams. For administrators."""
    fields = {name: page_request.query(name)[:MOST_TEXT] for name in ("actor", "action", "app", "from", "to")}
    applications = await page_request.services.applications.search(page_request.user)
    names = {one.id: one.name for one in applications}
    wanted = activity_filter(fields, names)
    shown = await page_request.services.activity.page("", wanted, _before(page_request))
    return page_request.page(
        "activity.html",
        application=None,
        shown=shown,
        names=names,
        fields=fields,
        actions=ACTIONS,
        older=_older(page_request, fields, shown),
    )


def activity_filter(fields: dict[str, str], names: dict[str, str]) -> ActivityFilter:
    """What the form asks for. `names`: those of the applications, by id."""
    app = fields["app"].strip().lower()
    found = frozenset({fields["app"].strip(), *(key for key, name in names.items() if app in name.lower())})
    since, until = _midnight(fields["from"]), _midnight(fields["to"])
    return ActivityFilter(
        fields["actor"].strip(),
        fields["action"] if fields["action"] in ACTIONS else "",
        found if app else None,
        0 if since is None else since.timestamp(),
        0 if until is None else (until + timedelta(days=1)).timestamp(),
    )


def _midnight(text: str) -> datetime | None:
    """The beginning of a day; None where it is none that can be meant."""
    try:
        found = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if datetime(1970, 1, 1, tzinfo=UTC) <= found < datetime(9999, 1, 1, tzinfo=UTC) else None


def _older(page_request: PageRequest, fields: dict[str, str], shown: ActivityPage) -> str:
    """Where the entries before these are."""
    return f"{page_request.request.path}?{urlencode({**fields, 'before': shown.older})}"


def _before(page_request: PageRequest) -> str:
    asked = page_request.query("before")
    return asked if PLACE.fullmatch(asked) else ""
