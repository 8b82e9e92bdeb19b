"""The portal as an application of its own, for the gateway to mount."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp_session import session_middleware

from gateway.accounts.applications import ApplicationRefused
from gateway.audit.actor import ANYBODY, acting
from gateway.errors import GatepostError, StoreUnavailable
from gateway.http.problems import Problem
from gateway.oauth.errors import OAuthError
from gateway.oauth.roles import Right, allows
from gateway.portal import static_files as statics
from gateway.portal.brand import serve_brand
from gateway.portal.csrf import HEADERS, from_elsewhere
from gateway.portal.drafts import Draft, page_of_draft, query_of_draft
from gateway.portal.filters import FILTERS
from gateway.portal.outcome import LOOK, form_page, with_outcome
from gateway.portal.page_language import asked_language, name_language, speak_in_templates
from gateway.portal.page_request import (
    FormRefused,
    OutcomeUnknown,
    Page,
    PageNotFound,
    PageRequest,
    SignInNeeded,
    redirect_to,
)
from gateway.portal.page_rights import page_right
from gateway.portal.pages import PAGES
from gateway.portal.public_path import public_path, seen_from_outside
from gateway.portal.services import PortalServices
from gateway.portal.sessions import NoteSession, SessionKeeper, StoredSessions
from gateway.translation.text import gettext, gettext_noop, speaking
from gateway.web.request_context import HEAD
from gateway.web.store_log import log_unavailable

log = logging.getLogger("gatepost")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MOUNT = "/portal"
SENT = "https"
"""In the query of who was sent on from plain HTTP."""
_TROUBLE: dict[int, tuple[str, str]] = {
    400: (
        gettext_noop("Bad request"),
        gettext_noop("The request could not be understood. Go back and try again."),
    ),
    403: (
        gettext_noop("The form was not accepted"),
        gettext_noop(
            "The page has expired, or your browser did not send the portal's cookie. "
            "Go back, reload the page, allow cookies, and try again."
        ),
    ),
    404: (gettext_noop("Page not found"), gettext_noop("It may have been deleted, or you may not see it.")),
    405: (gettext_noop("Method not allowed"), gettext_noop("Go back and use the buttons of the page.")),
    409: (
        gettext_noop("Conflict"),
        gettext_noop("It was changed in the meantime. Go back, reload the page and try again."),
    ),
    500: (gettext_noop("Internal error"), gettext_noop("The gateway's log has the details.")),
    503: (
        gettext_noop("The store can't be reached"),
        gettext_noop(
            "Nothing was changed. Try again in a moment; if the problem persists, contact the operator of "
            "this gateway."
        ),
    ),
}
_UNKNOWN = (
    gettext_noop("The store did not answer"),
    gettext_noop(
        "Your change may have been made, or not. Look at the page again in a moment, before you repeat it."
    ),
)


def portal_app(services: PortalServices, sessions: SessionKeeper, note: NoteSession) -> web.Application:
    """The portal, to be mounted at `MOUNT`. `note` keeps what people are shown of their sessions."""
    storage = StoredSessions(sessions, note, services.clock, secure=services.facts.secure)
    middlewares: list[Any] = [error_page_middleware(services), session_middleware(storage)]
    app = web.Application(middlewares=middlewares)
    env = aiohttp_jinja2.setup(
        app, loader=jinja2.PackageLoader("gateway.portal"), undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    env.lstrip_blocks = True
    speak_in_templates(env)
    env.filters.update(FILTERS)
    env.globals["static"] = statics.url
    for method, path, page in PAGES:
        add = app.router.add_get if method == "GET" else app.router.add_post
        add(path, _served(services, with_outcome(page), page_right(method, path)))
    app.router.add_get("/static/{name}", statics.serve)
    app.router.add_get("/static/brand/{name}", _brand_file(services))
    return app


def _brand_file(services: PortalServices) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return serve_brand(services.facts.brand, request.match_info["name"])

    return handler


def _served(services: PortalServices, page: Page, right: Right | None) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        page_request = await PageRequest.of(request, services)
        try:
            if right is not None and not allows(page_request.user.role, right):
                raise PageNotFound
            return await page(page_request)
        except SignInNeeded:
            if request.method != "POST":
                raise
            return await _kept_for_later(page_request)
        except FormRefused:
            if request.method != "POST" or right is None:
                raise
            return await _of_earlier_session(page_request)

    return handler


async def _kept_for_later(page_request: PageRequest) -> web.StreamResponse:
    """Asks for a sign-in, and keeps what was filled in while the session lasted, for who had it."""
    request = page_request.request
    try:
        fields = await page_request.fields_of_earlier_session()
    except FormRefused:
        raise SignInNeeded from None
    page = page_of_draft(request.path, form_page(request.path))
    wanted = page + query_of_draft(request.path, fields.pairs)
    response = redirect_to(f"{MOUNT}/sign-in?next={quote(wanted)}&done=draft-kept")
    if not page_request.services.drafts.keep(request, response, page, Draft(request.path, fields.pairs)):
        raise SignInNeeded
    return response


async def _of_earlier_session(page_request: PageRequest) -> web.StreamResponse:
    """Shows the form again, filled in as it was sent, to who has signed in again in another window.

    Raises FormRefused for a form that nobody was shown here.
    """
    request = page_request.request
    fields = await page_request.fields_of_earlier_session()
    page = page_of_draft(request.path, form_page(request.path))
    query = query_of_draft(request.path, fields.pairs)
    response = redirect_to(f"{page}{query}{'&' if query else '?'}done=earlier")
    page_request.services.drafts.keep(request, response, page, Draft(request.path, fields.pairs))
    return response


def error_page_middleware(services: PortalServices) -> object:
    """The outermost middleware of the portal: what goes wrong is a page, and every answer is guarded."""
    path = public_path(services.facts.public_url)

    @web.middleware
    async def error_page(request: web.Request, handler: Handler) -> web.StreamResponse:
        language, words = await asked_language(request, services)
        with acting(ANYBODY), speaking(language, words):
            response = await _answered(request, handler, services)
        name_language(response, language)
        seen_from_outside(response, path)
        for name, value in HEADERS.items():
            # Only what is stricter is set before.
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return error_page


async def _answered(request: web.Request, handler: Handler, services: PortalServices) -> web.StreamResponse:
    try:
        return _early(request, services) or await handler(request)
    except SignInNeeded:
        wanted = _wanted(request) if request.method == "GET" else ""
        return redirect_to(f"{MOUNT}/sign-in" + (f"?next={quote(wanted)}" if wanted else ""))
    except web.HTTPException as error:
        # aiohttp's match of the request keeps it: only the garbage collector would find the two.
        error.__traceback__ = None
        response = _page(request, services, error.status)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Problem:
        raise
    except OutcomeUnknown as error:
        log.warning("store unavailable, the outcome of a change in the portal is unknown: %s", error.reason)
        back = form_page(request.path)
        return _page(request, services, 503, error.retry_after, _UNKNOWN, secret=error.secret, back=back)
    except Exception as error:
        # Who comes from a change whose answer was lost has not seen its outcome yet.
        unseen = isinstance(error, StoreUnavailable) and request.query.get("done") == LOOK
        words = _UNKNOWN if unseen else None
        return _page(request, services, _status(error), getattr(error, "retry_after", None), words)


def _wanted(request: web.Request) -> str:
    """The page that was asked for, without what was to be told on it."""
    query = urlencode([pair for pair in request.query.items() if pair[0] not in ("done", SENT)])
    return request.rel_url.raw_path + (f"?{query}" if query else "")


def _early(request: web.Request, services: PortalServices) -> web.Response | None:
    """The answer to what does not get as far as a page."""
    if _read_by_a_script(request):
        return _page(request, services, 403)
    return _by_https(request, services)


def _read_by_a_script(request: web.Request) -> bool:
    if request.method not in ("GET", "HEAD") or not from_elsewhere(request):
        return False
    # These say themselves who may read them.
    return not statics.is_static(request) and not request.path.endswith(("/progress", "/passkey/options"))


def _by_https(request: web.Request, services: PortalServices) -> web.Response | None:
    """Over plain HTTP browsers send none of the portal's cookies back: people are sent to where they do.

    A proxy that ends TLS but isn't trusted makes all requests look plain. Whoever comes back by the link that
    leads here, or with a cookie that goes by HTTPS alone, is not sent there again.
    """
    facts = services.facts
    if not facts.secure or request[HEAD].peer.scheme == "https" or statics.is_static(request):
        return None
    if SENT in request.query or any(name.startswith("__Secure-gatepost-") for name in request.cookies):
        return None
    path = request.path if request.method in ("GET", "HEAD") else form_page(request.path)
    query = {**request.query, SENT: "1"} if request.method in ("GET", "HEAD") else {SENT: "1"}
    return redirect_to(f"{facts.public_url}{quote(path)}?{urlencode(query)}")


def _status(error: Exception) -> int:
    if isinstance(error, FormRefused):
        return 403
    if isinstance(error, PageNotFound):
        return 404
    if isinstance(error, OAuthError):
        return 400
    if isinstance(error, StoreUnavailable):
        log_unavailable(error)
        return 503
    if isinstance(error, GatepostError | ApplicationRefused):
        return 409
    log.error("the portal failed", exc_info=error)
    return 500


def _page(
    request: web.Request,
    services: PortalServices,
    status: int,
    retry_after: int | None = None,
    words: tuple[str, str] | None = None,
    *,
    secret: str = "",
    back: str = f"{MOUNT}/",
) -> web.Response:
    title, text = words or _TROUBLE.get(status, _TROUBLE[400])
    content: dict[str, object] = {
        "facts": services.facts,
        "user": None,
        "title": gettext(title),
        "text": gettext(text),
        "path": request.path,
        "secret": secret,
        "back": back,
        "home": back == f"{MOUNT}/",
    }
    response = aiohttp_jinja2.render_template("trouble.html", request, content, status=status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
