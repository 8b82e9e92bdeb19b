"""The APIs behind this gateway: who may call what, and how."""

from __future__ import annotations

from aiohttp import web

from gateway.portal import curl
from gateway.portal.page_request import PageRequest


async def show(page_request: PageRequest) -> web.StreamResponse:
    """Every route, with its methods, scopes and a command to paste, or with its documentation."""
    _ = page_request.user
    facts = page_request.services.facts
    wanted = page_request.searched
    found = [one for one in page_request.services.documents.apis if one.matches(wanted)]
    groups = sorted({one.group for one in found}, key=lambda group: (group == "", group.lower()))
    shown = [
        (group, [(one, curl.call(facts, one.api)) for one in found if one.group == group]) for group in groups
    ]
    return page_request.page("apis.html", groups=shown, search=wanted)
