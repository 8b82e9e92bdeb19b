"""The REST interface as an application of its own, for the gateway to mount."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.accounts.applications import ApplicationRefused
from gateway.errors import GatepostError, StoreUnavailable
from gateway.faults import BAD_REQUEST, WRONG_METHOD, Fault
from gateway.oauth.errors import OAuthError
from gateway.portal.api.answers import answer
from gateway.portal.api.openapi import document
from gateway.portal.api.request import CONFLICT, NOT_FOUND, Call, caller
from gateway.portal.api.table import OPERATIONS, Operation
from gateway.portal.desk import PortalDesk

MOUNT = "/portal/api/v1"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def api_app(desk: PortalDesk) -> web.Application:
    """The interface, to be mounted at `MOUNT`."""
    app = web.Application(middlewares=[trouble])
    app.router.add_get("/openapi.json", _document(desk))
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, _served(desk, operation))
    return app


def _document(desk: PortalDesk) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return answer(document(desk.facts.public_url))

    return handler


def _served(desk: PortalDesk, operation: Operation) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await operation.handler(Call(request, desk, await caller(request, desk)))

    return handler


@web.middleware
async def trouble(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What goes wrong is problem+json, as everywhere at the gateway."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        raise Fault(WRONG_METHOD, headers=[(b"Allow", allowed.encode())]) from None
    except web.HTTPNotFound:
        raise Fault(NOT_FOUND) from None
    except OAuthError as error:
        raise Fault(BAD_REQUEST, error.description) from None
    except StoreUnavailable:
        raise
    except ApplicationRefused as error:
        raise Fault(CONFLICT, str(error)) from None
    except GatepostError:
        # It was removed, or changed by somebody else, while it was worked on.
        raise Fault(CONFLICT) from None
