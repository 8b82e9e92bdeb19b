"""The aiohttp application: the gateway's own endpoints, and everything else to the upstreams."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.endpoints import INTROSPECT, JWKS, PORTAL, RESOURCE_METADATA, REVOKE, SERVER_METADATA, TOKEN
from gateway.web.accounting import accounting_middleware
from gateway.web.arrival import Arrival, arrival_middlewares
from gateway.web.bearer import bearer_middleware
from gateway.web.desk import PROXIED, ProxyDesk
from gateway.web.jwks import JwksEndpoint
from gateway.web.late import LateSite
from gateway.web.metadata import MetadataEndpoints
from gateway.web.proxy import proxy_handler
from gateway.web.token import MAX_FORM, OAuthEndpoints
from gateway.web.upload import no_early_continue


def application(
    arrival: Arrival,
    desk: ProxyDesk,
    oauth: OAuthEndpoints,
    metadata: MetadataEndpoints,
    jwks: JwksEndpoint,
    portal: LateSite | None = None,
) -> web.Application:
    """The application, with the middlewares from the outermost to the innermost."""
    middlewares: list[Any] = [
        accounting_middleware(desk.ledger),
        *arrival_middlewares(arrival),
        bearer_middleware(desk),
    ]
    app = web.Application(middlewares=middlewares, client_max_size=MAX_FORM)
    app.on_response_prepare.append(name_no_software)
    # Each endpoint takes every method and answers the wrong ones itself: they are never proxied.
    app.router.add_route("*", TOKEN, oauth.token)
    app.router.add_route("*", REVOKE, oauth.revoke)
    app.router.add_route("*", INTROSPECT, oauth.introspect)
    app.router.add_route("*", JWKS, jwks.keys)
    app.router.add_route("*", SERVER_METADATA, metadata.server)
    app.router.add_route("*", RESOURCE_METADATA, metadata.resource)
    app.router.add_route("*", RESOURCE_METADATA + "/{path:.*}", metadata.resource)
    if portal is not None:
        app.router.add_route("*", PORTAL, to_the_portal)
        app.router.add_route("*", PORTAL + "/{path:.*}", portal.handle)
    handler: Any = proxy_handler(desk)
    app.router.add_route("*", f"/{{{PROXIED}:.*}}", handler, expect_handler=no_early_continue)
    return app


async def to_the_portal(request: web.Request) -> web.Response:
    """Adds the slash that a person left out."""
    return web.Response(status=308, headers={"Location": f"{PORTAL}/"})


async def name_no_software(request: web.Request, response: web.StreamResponse) -> None:
    """Keeps aiohttp from telling strangers its version."""
    response.headers["Server"] = "gatepost"
