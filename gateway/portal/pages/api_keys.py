"""API keys of one pair of keys: add and revoke."""

from __future__ import annotations

from aiohttp import web

from gateway.accounts.registry import SecretRefused
from gateway.portal.page_request import PageRequest
from gateway.portal.pages.key_page import key_page, shown_keys
from gateway.portal.pages.secret_changes import end_of_day, name_problem, sentence


async def add(page_request: PageRequest) -> web.StreamResponse:
    """One more API key, shown until its owner has stored it."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    name, day = fields.text("key_name"), fields.text("key_ends")
    expires, late = end_of_day(day, page_request.services.clock())
    problems = {"key_name": name_problem(name), "key_ends": late}
    if not any(problems.values()):
        try:
            key = await page_request.services.registry.add_api_key(key_page_.keys.id, name, expires)
        except SecretRefused as error:
            problems["key_name"] = sentence(error)
        else:
            return key_page_.show_once("api_key", {"api_key": key}, "api-key-added", "secrets", "#api-keys")
    return await shown_keys(key_page_, "secrets", 422, problems=problems, key_name=name, key_ends=day)


async def revoke(page_request: PageRequest) -> web.StreamResponse:
    """Ends one API key at once."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    try:
        await page_request.services.registry.remove_api_key(key_page_.keys.id, fields.raw("key_prefix"))
    except SecretRefused:
        return key_page_.done("api-key-gone", "secrets")
    return key_page_.done("api-key-revoked", "secrets")
