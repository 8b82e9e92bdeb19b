"""The aiohttp application: the gateway's own endpoints, and everything else to the upstreams."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web

from gateway.http.endpoints import (
    ACME_CHALLENGES,
    AUTHORIZE,
    JWKS,
    PORTAL,
    RESOURCE_METADATA,
    VERIFY,
    GatewayPaths,
)
from gateway.web.acme_challenges import AcmeChallenges
from gateway.web.bearer_middleware import bearer_middleware
from gateway.web.jwks_endpoint import JwksEndpoint
from gateway.web.lazy_app import Handler, LazyApp
from gateway.web.metadata_endpoints import MetadataEndpoints
from gateway.web.oauth_endpoints import MAX_FORM, OAuthEndpoints, no_authorization
from gateway.web.proxy_handler import proxy_handler
from gateway.web.proxy_services import DESCRIBED, PROXIED, ProxyServices
from gateway.web.recording_middleware import recording_middleware
from gateway.web.registration_endpoint import RegistrationEndpoint
from gateway.web.request_body import continue_at_once, no_early_continue
from gateway.web.request_context import RequestContext, request_context_middlewares
from gateway.web.verify_endpoint import VerifyEndpoint


def application(
    request_context: RequestContext,
    services: ProxyServices,
    oauth: OAuthEndpoints,
    metadata: MetadataEndpoints,
    jwks: JwksEndpoint,
    paths: GatewayPaths,
    verify: VerifyEndpoint,
    portal: LazyApp | None = None,
    registration: RegistrationEndpoint | None = None,
    challenges: AcmeChallenges | None = None,
) -> web.Application:
    """The application, with the middlewares from the outermost to the innermost."""
    middlewares: list[Any] = [
        recording_middleware(services.recorder),
        *request_context_middlewares(request_context),
        bearer_middleware(services),
    ]
    app = web.Application(middlewares=middlewares, client_max_size=MAX_FORM)
    app.on_response_prepare.append(hide_software)
    # Each endpoint takes every method and answers the wrong ones itself: they are never proxied.
    add = partial(app.router.add_route, "*", expect_handler=continue_at_once)
    endpoints = (
        (paths.with_base(*paths.token), oauth.token),
        (paths.with_base(*paths.revoke), oauth.revoke),
        (paths.with_base(*paths.introspect), oauth.introspect),
        (paths.with_base(AUTHORIZE), no_authorization),
        (paths.with_base(JWKS), jwks.keys),
        (paths.server_metadata, metadata.server),
        (paths.openid_configuration, metadata.server),
        ((RESOURCE_METADATA,), metadata.resource),
    )
    for own, answer in endpoints:
        for path in own:
            add(path, answer)
    add(RESOURCE_METADATA + "/{path:.*}", metadata.resource)
    for path in paths.with_base(VERIFY):
        add(f"{path}{{{DESCRIBED}:(?:/.*)?}}", verify.verify)
    if registration is not None:
        for path in paths.with_base(*paths.register):
            add(path, registration.register)
            add(path + "/{client_id:.*}", registration.manage)
    if challenges is not None:
        add(ACME_CHALLENGES + "/{token}", challenges.handle)
    if portal is not None:
        for path in paths.with_base(PORTAL):
            add(path, redirect_to_portal(paths.base))
            # The portal's own application sends 100 (Continue).
            beneath = portal.beneath(path.removesuffix(PORTAL))
            add(path + "/{path:.*}", beneath, expect_handler=no_early_continue)
    handler: Any = proxy_handler(services)
    app.router.add_route("*", f"/{{{PROXIED}:.*}}", handler, expect_handler=no_early_continue)
    return app


def redirect_to_portal(base: str) -> Handler:
    """Redirects to the path with the slash at its end, as browsers know it."""

    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": f"{base}{PORTAL}/"})

    return redirect


async def hide_software(request: web.Request, response: web.StreamResponse) -> None:
    """Keeps aiohttp's name and version out of responses."""
    response.headers["Server"] = "gatepost"
