"""Several secrets for one pair of keys: add, rotate with a grace period, remove."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from aiohttp import web

from gateway.accounts.registry import SecretRefused
from gateway.portal.pages.keys import the_bench
from gateway.portal.visit import Visit

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,39}")
GRACES = {"0": 0, "1h": 3600, "1d": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400}
"""How long old secrets may live on, by what the form calls it."""


async def add(visit: Visit) -> web.StreamResponse:
    """One more secret, shown now and never again."""
    bench = await the_bench(visit)
    fields = await visit.fields()
    name, day = fields.text("secret_name"), fields.text("ends")
    expires, late = _end_of(day, visit.desk.clock())
    problems = {"secret_name": _name_problem(name), "ends": late}
    if not any(problems.values()):
        try:
            secret = await visit.desk.registry.add_secret(bench.keys.id, name, expires)
        except SecretRefused as error:
            problems["secret_name"] = _sentence(error)
        else:
            return (await the_bench(visit)).page(secret=secret, done="secret-added")
    return bench.page(422, problems=problems, secret_name=name, ends=day)


async def rotate(visit: Visit) -> web.StreamResponse:
    """A new secret; those before it live on for the grace period."""
    bench = await the_bench(visit)
    fields = await visit.fields()
    grace = GRACES.get(fields.raw("grace"))
    if grace is None:
        return bench.page(422, problems={"grace": "Choose how long the old secrets live on."})
    secret = await visit.desk.registry.rotate_secret(bench.keys.id, grace)
    return (await the_bench(visit)).page(secret=secret, done="rotated")


async def remove(visit: Visit) -> web.StreamResponse:
    """Ends one secret at once."""
    bench = await the_bench(visit)
    fields = await visit.fields()
    try:
        await visit.desk.registry.remove_secret(bench.keys.id, fields.raw("secret_name"))
    except SecretRefused:
        return bench.done("secret-gone")
    return bench.done("secret-removed")


def _name_problem(name: str) -> str:
    if not name or _NAME.fullmatch(name):
        return ""
    return "A name has up to 40 letters, digits, spaces or _ . - and begins with a letter or digit."


def _end_of(day: str, now: float) -> tuple[int | None, str]:
    """The end of a day in UTC, as seconds since the epoch, and what is wrong with it."""
    if not day:
        return None, ""
    try:
        ends = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC, hour=23, minute=59, second=59)
    except ValueError:
        return None, "A date is written 2030-12-31."
    if ends.timestamp() <= now:
        return None, "This day is over."
    return int(ends.timestamp()), ""


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + "."
