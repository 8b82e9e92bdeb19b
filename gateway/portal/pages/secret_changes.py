"""Several secrets for one pair of keys: add, rotate with a grace period, remove."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from aiohttp import web

from gateway.accounts.registry import SecretRefused
from gateway.portal.page_request import PageRequest
from gateway.portal.pages.key_page import key_page, shown_keys
from gateway.translation.text import gettext

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,39}")
GRACES = {"0": 0, "1h": 3600, "1d": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400}
"""How long old secrets may live on, by what the form calls it."""


async def add(page_request: PageRequest) -> web.StreamResponse:
    """One more secret, shown until its owner has stored it."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    name, day = fields.text("secret_name"), fields.text("ends")
    expires, late = end_of_day(day, page_request.services.clock())
    problems = {"secret_name": name_problem(name), "ends": late}
    if not any(problems.values()):
        try:
            secret = await page_request.services.registry.add_secret(key_page_.keys.id, name, expires)
        except SecretRefused as error:
            problems["secret_name"] = sentence(error)
        else:
            return key_page_.show_once("secret", {"secret": secret}, "secret-added", "secrets")
    return await shown_keys(key_page_, "secrets", 422, problems=problems, secret_name=name, ends=day)


async def rotate(page_request: PageRequest) -> web.StreamResponse:
    """A new secret; those before it live on for the grace period."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    grace = GRACES.get(fields.raw("grace"))
    if grace is None:
        problems = {"grace": gettext("Choose how long the old secrets live on.")}
        return await shown_keys(key_page_, "secrets", 422, problems=problems)
    secret = await page_request.services.registry.rotate_secret(key_page_.keys.id, grace)
    return key_page_.show_once("secret", {"secret": secret}, "rotated", "secrets")


async def remove(page_request: PageRequest) -> web.StreamResponse:
    """Ends one secret at once."""
    key_page_ = await key_page(page_request)
    fields = await page_request.fields()
    try:
        await page_request.services.registry.remove_secret(key_page_.keys.id, fields.raw("secret_name"))
    except SecretRefused:
        return key_page_.done("secret-gone", "secrets")
    return key_page_.done("secret-removed", "secrets")


def name_problem(name: str) -> str:
    """What is wrong with the name of a secret; empty: nothing."""
    if not name or _NAME.fullmatch(name):
        return ""
    return gettext("A name has up to 40 letters, digits, spaces or _ . - and begins with a letter or digit.")


def end_of_day(day: str, now: float) -> tuple[int | None, str]:
    """The end of a day in UTC, as seconds since the epoch, and what is wrong with it."""
    if not day:
        return None, ""
    try:
        ends = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC, hour=23, minute=59, second=59)
    except ValueError:
        return None, gettext("A date is written 2030-12-31.")
    if ends.timestamp() <= now:
        return None, gettext("This day is over.")
    return int(ends.timestamp()), ""


def sentence(error: Exception) -> str:
    """An error's text as a sentence."""
    text = str(error)
    return text[:1].upper() + text[1:] + "."
