"""Tokens made and ended by hand."""

from __future__ import annotations

import re

from aiohttp import web

from gateway.oauth.errors import OAuthError
from gateway.portal.form_rules import lifetime_problem
from gateway.portal.page_request import PageRequest
from gateway.portal.pages.key_page import KeyPage, key_page, shown_keys
from gateway.translation.text import gettext, translations

_BEFORE_A_TOKEN = re.compile(r"^(?:authorization:)?\s*(?:(?:bearer|dpop)\s+)?", re.IGNORECASE)


async def generate(page_request: PageRequest) -> web.StreamResponse:
    """A token, shown until it ends or another one takes its place."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    scopes, validity = fields.ticked("scope"), fields.text("validity")
    problems = {"validity": lifetime_problem(validity, page_request.services.facts.max_lifetime)}
    if not problems["validity"]:
        try:
            token = await page_request.services.tokens.generate(key_page_.keys, scopes, validity)
        except OAuthError as error:
            problems["token"] = translations().gettext(error.description)
        else:
            shown = {
                "access_token": token.access_token,
                "scope": token.scope,
                "expires_in": token.expires_in,
                "ends": int(page_request.services.clock()) + token.expires_in,
                "reused": token.reused,
            }
            return key_page_.show_once("token", shown, "token", fragment="#token")
    return await shown_keys(key_page_, "", 422, problems=problems, ticked=scopes, validity=validity)


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
        return await _not_revoked(key_page_, gettext("Paste the token that is to end."))
    if await page_request.services.tokens.revoke(key_page_.keys, given):
        return key_page_.done("revoked", "danger")
    return await _not_revoked(key_page_, gettext("These keys have no such valid token."))


async def _not_revoked(key_page_: KeyPage, why: str) -> web.StreamResponse:
    return await shown_keys(key_page_, "danger", 422, problems={"revoke": why})


async def revoke_all(page_request: PageRequest) -> web.StreamResponse:
    """Ends every token of these keys."""
    key_page_ = await key_page(page_request)
    await page_request.fields()
    await page_request.services.registry.revoke_tokens(key_page_.keys.id)
    response = key_page_.done("revoked-all", "danger")
    page_request.forget(response, "token", key_page_.path)
    return response
