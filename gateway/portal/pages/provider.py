"""Signing in at a provider: there, and back again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.accounts.provider_users import NotAdmitted, ProviderSignIn
from gateway.accounts.users import NotApproved
from gateway.errors import IssuerUnavailable
from gateway.oauth.oidc import ProviderRefused
from gateway.portal.flow_cookie import FlowCookie
from gateway.portal.page_request import HOME, PageNotFound, PageRequest, redirect_to
from gateway.portal.pages.account import NOT_APPROVED, safe_next, sign_in_page, try_again
from gateway.portal.pages.email import OFFERED
from gateway.portal.services import ProviderInfo
from gateway.translation.text import gettext

MOST_PARAMETERS = 20


@dataclass(frozen=True, slots=True)
class _Provider:
    """The provider of a path."""

    info: ProviderInfo
    sign_in: ProviderSignIn
    cookie: FlowCookie


async def begin(page_request: PageRequest) -> web.StreamResponse:
    """Sends the browser to the provider."""
    provider = _provider(page_request)
    wanted = safe_next(page_request.query("next"))
    try:
        place, flow = await provider.sign_in.begin(wanted)
    except IssuerUnavailable as error:
        return _unavailable(page_request, provider, error, wanted)
    response = web.Response(status=303, headers={"Location": place})
    provider.cookie.give(response, flow)
    return response


async def finish(page_request: PageRequest) -> web.StreamResponse:
    """Begins a session for whom the provider has signed in. Whatever comes of it, the flow is over."""
    provider = _provider(page_request)
    response = await _finished(page_request, provider)
    provider.cookie.forget(response)
    return response


async def _finished(page_request: PageRequest, provider: _Provider) -> web.Response:
    flow = provider.cookie.read(page_request.request)
    wanted = "" if flow is None else flow.wanted
    try:
        user, email = await provider.sign_in.finish(_answer(page_request), flow, page_request.address)
    except (ProviderRefused, NotAdmitted, NotApproved) as error:
        return _problem(page_request, *_why(provider, error), wanted)
    except IssuerUnavailable as error:
        return _unavailable(page_request, provider, error, wanted)
    except TooManyAttempts as error:
        await asyncio.sleep(error.delay)
        response = _problem(page_request, try_again(error), 429, wanted)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    await page_request.begin_session(user)
    if email:
        page_request.session[OFFERED] = email
    return redirect_to(wanted or HOME)


async def end(page_request: PageRequest) -> web.StreamResponse:
    """Sends the browser to where its session at the provider ends, if there is such a page."""
    back = f"{page_request.services.facts.public_url}/portal/sign-in"
    place = await _provider(page_request).sign_in.logout(back)
    return redirect_to(place or "/portal/sign-in")


def _answer(page_request: PageRequest) -> list[tuple[str, str]]:
    query = page_request.request.rel_url.raw_query_string
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        return []


def _provider(page_request: PageRequest) -> _Provider:
    services, wanted = page_request.services, page_request.request.match_info.get("provider", "")
    info = next((one for one in services.facts.providers if one.id == wanted), None)
    if info is None or services.providers is None:
        raise PageNotFound
    return _Provider(info, services.providers.sign_ins[wanted], services.providers.cookie)


def _why(provider: _Provider, error: ProviderRefused | NotAdmitted | NotApproved) -> tuple[str, int]:
    """What the person is told, and the status."""
    if isinstance(error, NotApproved):
        return gettext(NOT_APPROVED), 403
    if isinstance(error, NotAdmitted):
        return gettext("You may not use this portal. Ask its administrator for access."), 403
    if error.by_person:
        return gettext("%(provider)s did not sign you in.", provider=provider.info.title), 403
    return gettext("The sign-in could not be completed. Please start again."), 400


def _unavailable(
    page_request: PageRequest, provider: _Provider, error: IssuerUnavailable, wanted: str
) -> web.Response:
    text = gettext(
        "%(provider)s can't be reached at the moment. Try again in a moment.", provider=provider.info.title
    )
    response = _problem(page_request, text, 503, wanted)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _problem(page_request: PageRequest, text: str, status: int, wanted: str) -> web.Response:
    return sign_in_page(page_request, "", wanted, status=status, provider_problem=text)
