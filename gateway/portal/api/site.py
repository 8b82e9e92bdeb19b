"""The REST interface as an application of its own, for the gateway to mount."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.accounts.applications import ApplicationRefused
from gateway.audit.actor import acting
from gateway.errors import GatepostError, StoreUnavailable
from gateway.http.problems import BAD_REQUEST, METHOD_NOT_ALLOWED, Problem
from gateway.oauth.api_subscription import SubscriptionRefused
from gateway.oauth.errors import OAuthError
from gateway.oauth.roles import allows
from gateway.oauth.team import TeamRefused
from gateway.portal.api.api_request import CHANGED, CONFLICT, FORBIDDEN, NOT_FOUND, Call, caller
from gateway.portal.api.openapi import document
from gateway.portal.api.operations import OPERATIONS, Operation
from gateway.portal.api.responses import answer
from gateway.portal.page_request import actor_of
from gateway.portal.page_rights import operation_right
from gateway.portal.public_path import public_path, seen_from_outside
from gateway.portal.services import PortalServices
from gateway.portal.versions import VersionDiffers, of_representation

MOUNT = "/portal/api/v1"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def api_app(services: PortalServices) -> web.Application:
    """The interface, to be mounted at `MOUNT`."""
    app = web.Application(middlewares=[error_page])
    app.router.add_get("/openapi.json", _document(services))
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, _served(services, operation))
    return app


def _document(services: PortalServices) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return answer(document(services.facts.public_url))

    return handler


def _served(services: PortalServices, operation: Operation) -> Handler:
    right = operation_right(operation.method, operation.path)
    path = public_path(services.facts.public_url)

    async def handler(request: web.Request) -> web.StreamResponse:
        user = await caller(request, services)
        if not allows(user.role, right):
            raise Problem(FORBIDDEN, f"Your role, {user.role}, may not do this.")
        with acting(actor_of(user)):
            call = Call(request, services, user)
            response = await operation.handler(call)
        seen_from_outside(response, path)
        if request.method == "GET":
            return of_representation(response, call.if_none_match)
        return of_representation(response, None) if "ETag" in response.headers else response

    return handler


@web.middleware
async def error_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What goes wrong is problem+json, as everywhere at the gateway."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        raise Problem(METHOD_NOT_ALLOWED, headers=[(b"Allow", allowed.encode())]) from None
    except web.HTTPNotFound:
        raise Problem(NOT_FOUND) from None
    except OAuthError as error:
        raise Problem(BAD_REQUEST, error.description) from None
    except StoreUnavailable:
        raise
    except VersionDiffers:
        raise Problem(CHANGED) from None
    except (ApplicationRefused, SubscriptionRefused, TeamRefused) as error:
        raise Problem(CONFLICT, str(error)) from None
    except GatepostError:
        # It was removed, or changed by somebody else, while it was worked on.
        raise Problem(CONFLICT) from None
