"""Choosing the language of the pages."""

from __future__ import annotations

from aiohttp import web

from gateway.portal.page_language import give_language, way_back
from gateway.portal.page_request import PageRequest, redirect_to


async def choose(page_request: PageRequest) -> web.StreamResponse:
    """Remembers the language in this browser, and shows the page again."""
    fields, facts = await page_request.fields(in_any_session=True), page_request.services.facts
    response = redirect_to(way_back(fields.raw("back")))
    for language in facts.languages:
        if language.tag == fields.raw("language"):
            give_language(response, language, secure=facts.secure)
    return response


async def back(_: PageRequest) -> web.StreamResponse:
    """For who reloads the answer to the form."""
    return redirect_to("/portal/")
