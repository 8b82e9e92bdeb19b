"""The operator's own pages (`portal.pages`), and their images."""

from __future__ import annotations

from aiohttp import web

from gateway.portal.guides import ROOT
from gateway.portal.page_request import PageNotFound, PageRequest, redirect_to


async def first(page_request: PageRequest) -> web.StreamResponse:
    """Leads to the first of them."""
    _ = page_request.user
    for guide in page_request.services.facts.guides:
        return redirect_to(f"{ROOT}/{guide.name}")
    raise PageNotFound


async def show(page_request: PageRequest) -> web.StreamResponse:
    """One of them, beside the list of all."""
    _ = page_request.user
    wanted = page_request.request.match_info["page"]
    for guide in page_request.services.facts.guides:
        if guide.name == wanted:
            return page_request.page("guide.html", guide=guide)
    raise PageNotFound


async def image(page_request: PageRequest) -> web.StreamResponse:
    """An image of theirs."""
    _ = page_request.user
    found = page_request.services.facts.guide_images.get(page_request.request.match_info["image"])
    if found is None:
        raise PageNotFound
    return found.response("private")
