"""Tokens made and ended by hand."""

from __future__ import annotations

import re

from aiohttp import web

from gateway.oauth.errors import OAuthError
from gateway.portal.form_rules import lifetime_problem
from gateway.portal.page_request import PageRequest
from gateway.portal.pages.keys import key_page, shown_keys

_BEFORE_A_TOKEN = re.compile(r"^(?:authorization:)?\s*(?:(?:bearer|dpop)\s+)?", re.IGNORECASE)


async def generate(page_request: PageRequest) -> web.StreamResponse:
    """A token, shown now and never again."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    scopes, validity = fields.ticked("scope"), fields.text("validity")
    problems = {"validity": lifetime_problem(validity, page_request.services.facts.max_lifetime)}
    if not problems["validity"]:
        try:
            token = await page_request.services.tokens.generate(key_page_.keys, scopes, validity)
        except OAuthError as error:
            problems["token"] = error.description
        else:
            return await shown_keys(key_page_, token=token, done="token", ticked=scopes, validity=validity)
    return await shown_keys(key_page_, 422, problems=problems, ticked=scopes, validity=validity)


def pasted_token(text: str) -> str:
    """The token in what was pasted: `gpt_…`, `Bearer gpt_…` or the whole header, with or without quotes."""
    bare = text.strip("\"'\u201c\u201d ")
    return _BEFORE_A_TOKEN.sub("", bare).strip("\"' ")


async def revoke(page_request: PageRequest) -> web.StreamResponse:
    """Ends the token that was pasted."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    given = pasted_token(fields.text("token"))
    if not given:
        return await shown_keys(key_page_, 422, problems={"revoke": "Paste the token that is to end."})
    if await page_request.services.tokens.revoke(key_page_.keys, given):
        return key_page_.done("revoked")
    return await shown_keys(key_page_, 422, problems={"revoke": "These keys have no such valid token."})


async def revoke_all(page_request: PageRequest) -> web.StreamResponse:
    """Ends every token of these keys."""
    key_page_ = await key_page(page_request)
    await page_request.fields()
    await page_request.services.registry.revoke_tokens(key_page_.keys.id)
    return key_page_.done("revoked-all")
