"""What became of a change whose answer was lost: it is looked up again, and shown as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from gateway.accounts.registry import SecretUncertain, has_secret
from gateway.errors import StoreUnavailable
from gateway.portal.page_request import OutcomeUnknown, Page, PageRequest, redirect_to
from gateway.portal.pages.key_page import TAB_OF, key_page

Found = TypeVar("Found")

PATIENCE = 5.0
"""Seconds for which the store is asked again, before a person is told to look later."""
LOOK = "look"
"""What the next page says: that it shows how things stand."""
PAUSE = 0.25
"""Seconds between two questions. What was sent before a connection was lost has been executed by then."""


def with_outcome(page: Page) -> Page:
    """The page; where the store did not answer its change, what became of it is looked up and shown."""

    async def looked_up(page_request: PageRequest) -> web.StreamResponse:
        try:
            return await page(page_request)
        except SecretUncertain as error:
            return await _with_secret(page_request, error)
        except StoreUnavailable as error:
            if error.answered or not page_request.may_write:
                raise
            return await _as_it_is(page_request, error)

    return looked_up


async def _with_secret(page_request: PageRequest, error: SecretUncertain) -> web.StreamResponse:
    """The keys' page, with the new secret if the keys have it now."""
    try:
        shown = await _patiently(lambda: key_page(page_request))
    except StoreUnavailable:
        raise OutcomeUnknown(error, error.secret) from error
    if shown.client is not None and has_secret(shown.client, error.secret):
        return shown.show_once("secret", {"secret": error.secret}, "secret-late", "secrets")
    return shown.done("not-changed", "secrets")


async def _as_it_is(page_request: PageRequest, error: StoreUnavailable) -> web.StreamResponse:
    """The page that the form was on, which shows how things stand now."""
    try:
        await _patiently(page_request.services.ask_store)
    except StoreUnavailable:
        raise OutcomeUnknown(error) from error
    return redirect_to(form_page(page_request.request.path), LOOK)


def form_page(path: str) -> str:
    """The page that a form was on, by the path that it was sent to."""
    if path.startswith("/portal/users/"):
        return "/portal/users"
    if path.startswith("/portal/teams/join/"):
        return "/portal/teams"
    if path.startswith(("/portal/account/sessions", "/portal/account/end-other")):
        return "/portal/account/sessions"
    if path.startswith("/portal/account/passkeys"):
        return "/portal/account/passkeys"
    above, _, action = path.rpartition("/")
    if above == "/portal":
        return path
    return f"{above}/{TAB_OF[action]}" if action in TAB_OF else above


async def _patiently(ask: Callable[[], Awaitable[Found]]) -> Found:
    """What the store answers, asked again while it does not. Raises StoreUnavailable in the end."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while True:
        await asyncio.sleep(PAUSE)
        try:
            return await ask()
        except StoreUnavailable:
            if loop.time() > end:
                raise
