"""The application of listeners that redirect everything to https."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.http.endpoints import ACME_CHALLENGES
from gateway.http.https_redirect import https_redirect
from gateway.server.raw_response import send_response
from gateway.web.acme_challenges import AcmeChallenges
from gateway.web.recording_middleware import recording_middleware
from gateway.web.request_body import no_early_continue
from gateway.web.request_context import HEAD, RequestContext, request_context_middlewares
from gateway.web.request_recorder import RequestRecorder


def redirect_application(
    request_context: RequestContext,
    recorder: RequestRecorder,
    port: int,
    challenges: AcmeChallenges | None = None,
) -> web.Application:
    """Redirects to `https` at this port, but for `challenges`. What is malformed is refused as everywhere."""

    async def redirect(request: web.Request) -> web.StreamResponse:
        answer = https_redirect(request[HEAD], port)
        # The body is not read: who has sent one sends it again to the right place.
        close = request.can_read_body
        return await send_response(request, answer, [], request_context.clock(), close=close)

    middlewares: list[Any] = [
        recording_middleware(recorder),
        *request_context_middlewares(request_context),
    ]
    app = web.Application(middlewares=middlewares)

    async def challenge(request: web.Request) -> web.StreamResponse:
        return (challenges and challenges.answer(request)) or await redirect(request)

    if challenges is not None:
        app.router.add_route("*", ACME_CHALLENGES + "/{token}", challenge, expect_handler=no_early_continue)
    app.router.add_route("*", "/{path:.*}", redirect, expect_handler=no_early_continue)
    return app
