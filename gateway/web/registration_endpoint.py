"""The aiohttp side of `/register` and what lies below it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.http.exchange import Response
from gateway.oauth.errors import OAuthError
from gateway.oauth_flows.registration import (
    RegistrationRequest,
    RegistrationServices,
    delete_registration,
    read_registration,
    register,
    update_registration,
)
from gateway.server.raw_response import send_response
from gateway.web.oauth_endpoints import read_form
from gateway.web.oauth_responses import REGISTER, TOKEN_HEADERS, json_response, oauth_errors
from gateway.web.request_context import HEAD


@dataclass(frozen=True, slots=True)
class RegistrationEndpoint:
    """Dynamic client registration."""

    services: RegistrationServices
    realm: str
    body_timeout: float

    async def register(self, request: web.Request) -> web.StreamResponse:
        """`POST /register` (RFC 7591 section 3)."""
        return await self._send(request, self._register)

    async def manage(self, request: web.Request) -> web.StreamResponse:
        """`GET`, `PUT` and `DELETE` of a client's own registration (RFC 7592 section 2)."""
        return await self._send(request, self._manage)

    async def _send(
        self, request: web.Request, work: Callable[[web.Request], Awaitable[Response]]
    ) -> web.StreamResponse:
        answer = await oauth_errors(work(request), self.realm, REGISTER)
        return await send_response(request, answer, [], self.services.clock())

    async def _register(self, request: web.Request) -> Response:
        if request.method != "POST":
            raise OAuthError("invalid_request", "This endpoint takes POST.", status=405)
        told = await register(await self._received(request), self.services)
        # RFC 7591 section 3.2.1: 201 (Created).
        return json_response(told, 201)

    async def _manage(self, request: web.Request) -> Response:
        client_id = request.match_info["client_id"]
        if request.method not in ("GET", "PUT", "DELETE"):
            text = "This endpoint takes GET, PUT and DELETE."
            raise OAuthError("invalid_request", text, status=405, allow="GET, PUT, DELETE")
        call = await self._received(request)
        if request.method == "GET":
            return json_response(await read_registration(call, client_id, self.services))
        if request.method == "PUT":
            return json_response(await update_registration(call, client_id, self.services))
        await delete_registration(call, client_id, self.services)
        # RFC 7592 section 2.3: 204 (No Content).
        headers = [item for item in TOKEN_HEADERS if item[0] != b"Content-Type"]
        return Response(204, headers=headers)

    async def _received(self, request: web.Request) -> RegistrationRequest:
        head = request[HEAD]
        body = await read_form(request, self.body_timeout)
        return RegistrationRequest(
            head.values(b"authorization"), head.header("content-type"), body, head.peer.address
        )
