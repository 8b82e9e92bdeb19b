"""The APIs behind this gateway: who may call what, and how."""

from __future__ import annotations

from aiohttp import web

from gateway.portal import curl
from gateway.portal.page_request import PageRequest


async def show(page_request: PageRequest) -> web.StreamResponse:
    """Every route, with its methods, scopes and a command to paste."""
    _ = page_request.user
    facts = page_request.services.facts
    wanted = page_request.query("search").strip().lower()[:100]
    apis = [
        (api, curl.call(facts, api))
        for api in facts.apis
        if wanted in " ".join((api.path, *api.methods, *api.scopes)).lower()
    ]
    return page_request.page("apis.html", apis=apis, search=wanted)
