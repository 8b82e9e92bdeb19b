"""The portal as an application of its own, for the gateway to mount."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp_session import session_middleware

from gateway.accounts.applications import ApplicationRefused
from gateway.errors import GatepostError, StoreUnavailable
from gateway.faults import Fault
from gateway.oauth.errors import OAuthError
from gateway.portal import statics
from gateway.portal.desk import PortalDesk
from gateway.portal.pages import PAGES
from gateway.portal.protection import HEADERS, from_elsewhere
from gateway.portal.sessions import SessionKeeper, StoredSessions
from gateway.portal.texts import FILTERS
from gateway.portal.visit import FormRefused, NotThere, Page, SignInNeeded, Visit, go

log = logging.getLogger("gatepost")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MOUNT = "/portal"
_TROUBLE: dict[int, tuple[str, str]] = {
    400: ("That did not work", "The request could not be understood. Go back and try again."),
    403: (
        "The form was not accepted",
        "It came from a page that has grown old, or your browser did not send the portal's cookie. "
        "Reload the page, allow cookies, and try again.",
    ),
    404: ("There is no such page", "It may have been deleted, or it belongs to somebody else."),
    405: ("That can't be done here", "Go back and use the buttons of the page."),
    409: ("Somebody else was quicker", "It changed while you worked on it. Look at it again and repeat."),
    500: ("The portal failed", "It is not your fault. The gateway's log says more."),
    503: (
        "The store can't be reached",
        "Nothing was changed. Try again in a moment; if it lasts, tell whoever runs this gateway.",
    ),
}


def portal_app(desk: PortalDesk, sessions: SessionKeeper) -> web.Application:
    """The portal, to be mounted at `MOUNT`."""
    storage = StoredSessions(sessions, secure=desk.facts.secure)
    middlewares: list[Any] = [trouble_middleware(desk), session_middleware(storage)]
    app = web.Application(middlewares=middlewares)
    env = aiohttp_jinja2.setup(
        app, loader=jinja2.PackageLoader("gateway.portal"), undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    env.lstrip_blocks = True
    env.filters.update(FILTERS)
    env.globals["static"] = statics.url
    for method, path, page in PAGES:
        add = app.router.add_get if method == "GET" else app.router.add_post
        add(path, _served(desk, page))
    app.router.add_get("/static/{name}", statics.serve)
    return app


def _served(desk: PortalDesk, page: Page) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await page(await Visit.of(request, desk))

    return handler


def trouble_middleware(desk: PortalDesk) -> object:
    """The outermost middleware of the portal: what goes wrong is a page, and every answer is guarded."""

    @web.middleware
    async def trouble(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answered(request, handler, desk)
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return trouble


async def _answered(request: web.Request, handler: Handler, desk: PortalDesk) -> web.StreamResponse:
    try:
        if from_elsewhere(request) and request.method in ("GET", "HEAD") and not statics.is_static(request):
            return _page(request, desk, 403)
        return await handler(request)
    except SignInNeeded:
        wanted = request.path if request.method == "GET" else ""
        return go(f"{MOUNT}/sign-in" + (f"?next={wanted}" if wanted else ""))
    except web.HTTPException as error:
        response = _page(request, desk, error.status)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Fault:
        raise
    except Exception as error:
        return _page(request, desk, _status(error), getattr(error, "retry_after", None))


def _status(error: Exception) -> int:
    if isinstance(error, FormRefused):
        return 403
    if isinstance(error, NotThere):
        return 404
    if isinstance(error, OAuthError):
        return 400
    if isinstance(error, StoreUnavailable):
        log.warning("store unavailable: %s", error.reason)
        return 503
    if isinstance(error, GatepostError | ApplicationRefused):
        return 409
    log.error("the portal failed", exc_info=error)
    return 500


def _page(
    request: web.Request, desk: PortalDesk, status: int, retry_after: int | None = None
) -> web.Response:
    title, text = _TROUBLE.get(status, _TROUBLE[400])
    content = {"facts": desk.facts, "user": None, "title": title, "text": text, "path": request.path}
    response = aiohttp_jinja2.render_template("trouble.html", request, content, status=status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
