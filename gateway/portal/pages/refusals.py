"""Why a call of one of the developer's own applications was refused."""

from __future__ import annotations

import re

from aiohttp import web

from gateway.portal.page_request import PageRequest
from gateway.portal.services import RefusedCall

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}")


async def show(page_request: PageRequest) -> web.StreamResponse:
    """A field for the request's id, and what is known of it."""
    _ = page_request.user
    wanted = page_request.query("request").strip()
    found = await _own_refusal(page_request, wanted) if _REQUEST_ID.fullmatch(wanted) else None
    return page_request.page("refusal.html", wanted=wanted[:200], found=found)


async def _own_refusal(page_request: PageRequest, request_id: str) -> RefusedCall | None:
    """Somebody else's is as if it were not known. Publishers and administrators see all."""
    found = await page_request.services.find_refusal(request_id)
    if found is None or not found.client:
        return None
    applications = await page_request.services.applications.search(page_request.user, right="refusals")
    own = any(found.client in application.client_ids for application in applications)
    return found if own else None
