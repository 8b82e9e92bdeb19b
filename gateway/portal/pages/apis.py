"""The APIs behind this gateway: who may call what, and how."""

from __future__ import annotations

from aiohttp import web

from gateway.portal import curl
from gateway.portal.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """Every route, with its methods, scopes and a command to paste."""
    _ = visit.user
    facts = visit.desk.facts
    wanted = visit.query("search").strip().lower()[:100]
    apis = [
        (api, curl.call(facts, api))
        for api in facts.apis
        if wanted in " ".join((api.path, *api.methods, *api.scopes)).lower()
    ]
    return visit.page("apis.html", apis=apis, search=wanted)
