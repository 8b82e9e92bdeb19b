"""The aiohttp side of the endpoints that take a client's form: `/token`, `/revoke`, `/introspect`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from aiohttp import web

from gateway.accounts.key_uses import LAST_TOKEN, KeyUses
from gateway.accounts.usage import UsageCounter
from gateway.errors import StoreUnavailable
from gateway.http.exchange import Headers, RequestHead, Response
from gateway.http.problems import BODY_TOO_LARGE, SLOW_REQUEST, Problem
from gateway.oauth.errors import OAuthError, invalid_request
from gateway.oauth_flows.client_request import ClientRequest
from gateway.oauth_flows.introspection import (
    IntrospectionRequest,
    IntrospectionServices,
    answer_introspection,
    sign_introspection,
)
from gateway.oauth_flows.revocation import RevocationRequest, RevocationServices, answer_revocation
from gateway.oauth_flows.token import TokenRequestState, TokenServices, answer_token_request
from gateway.server.raw_response import send_response
from gateway.telemetry import Telemetry
from gateway.tokens.introspection_jwt import MEDIA_TYPE, wants_jwt
from gateway.web.endpoint_cors import EndpointCors
from gateway.web.oauth_responses import (
    ISSUE,
    JUDGE,
    REVOKE,
    TOKEN_HEADERS,
    json_response,
    jwt_response,
    oauth_errors,
    token_response,
)
from gateway.web.refusal_recorder import RefusalRecorder
from gateway.web.request_context import ERROR, HEAD, OAUTH_CALL, REQUEST_ID

MAX_FORM = 65_536
"""Bytes of a form."""
Call = TypeVar("Call", bound=ClientRequest)


@dataclass(frozen=True, slots=True)
class OAuthEndpoints:
    """The OAuth endpoints of the gateway."""

    services: TokenServices
    revocation: RevocationServices
    introspection: IntrospectionServices
    realm: str
    body_timeout: float
    telemetry: Telemetry
    tally: UsageCounter | None = None
    cors: EndpointCors = EndpointCors()
    refusals: RefusalRecorder | None = None
    key_uses: KeyUses | None = None
    """Hears of tokens that go out; None: nobody asks when the last one did."""

    async def token(self, request: web.Request) -> web.StreamResponse:
        """`POST /token` (RFC 6749 section 3.2)."""
        return await self._send(request, self._token, ISSUE)

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """`POST /revoke` (RFC 7009 section 2)."""
        return await self._send(request, self._revoke, REVOKE)

    async def introspect(self, request: web.Request) -> web.StreamResponse:
        """`POST /introspect` (RFC 7662 section 2)."""
        return await self._send(request, self._introspect, JUDGE)

    def note_granted(self, call: TokenRequestState) -> None:
        """Records that a token goes out."""
        self.telemetry.token(call.grant_type, "reused" if call.answer.reused else "issued")
        self._tallied(call, issued=True)
        if self.key_uses is not None and call.client.source == "store":
            now = self.services.clock()
            self.key_uses.note(call.client.id, LAST_TOKEN, call.address, call.headers, now)

    def refused(self, call: TokenRequestState, error: OAuthError) -> None:
        """Records that the request was refused."""
        self.telemetry.token(call.grant_type, error.error)
        self._tallied(call, issued=False)

    async def _send(
        self, request: web.Request, work: Callable[[web.Request], Awaitable[Response]], doing: str
    ) -> web.StreamResponse:
        head = request[HEAD]
        origins = head.values(b"origin")
        wanted = head.values(b"access-control-request-method")
        answer = self.cors.preflight(head.method, origins, wanted)
        if answer is None:
            answer = await oauth_errors(work(request), self.realm, doing, partial(self._note, request))
            answer.headers = [*answer.headers, *self.cors.headers(origins)]
        return await send_response(request, answer, [], self.services.clock())

    def _note(self, request: web.Request, error: OAuthError) -> None:
        request[ERROR] = error.error
        if self.refusals is not None:
            path = request[HEAD].path
            self.refusals.oauth(path, request[REQUEST_ID], request.get(OAUTH_CALL), error)

    async def _revoke(self, request: web.Request) -> Response:
        only_post(request)
        call = received(RevocationRequest, request, await read_form(request, self.body_timeout))
        await answer_revocation(call, self.revocation)
        # RFC 7009 section 2.2: the client ignores the body; the status says it all.
        # Some clients parse an empty body by its Content-Type, so there is none. Others demand JSON, as they
        # say in Accept: they get an empty object, since nothing at all is no JSON.
        wants_json = "json" in (request[HEAD].header("accept") or "")
        headers = [item for item in TOKEN_HEADERS if wants_json or item[0] != b"Content-Type"]
        proof = await self._proof(call, request[HEAD])
        return Response(200, b"{}" if wants_json else b"", headers=headers + proof)

    async def _proof(self, call: RevocationRequest, head: RequestHead) -> Headers:
        """RFC 7240 section 4.3: who prefers to wait is told how many workers refuse the token by now."""
        prove = self.revocation.prove
        if prove is None or call.held is None or not wants_wait(head.values(b"prefer")):
            return []
        try:
            return [(b"Revocation-Proof", (await prove()).encode()), (b"Preference-Applied", b"wait")]
        except StoreUnavailable:
            # The token is revoked. That workers have heard of it can't be shown now.
            return []

    async def _introspect(self, request: web.Request) -> Response:
        only_post(request)
        call = received(IntrospectionRequest, request, await read_form(request, self.body_timeout))
        answer = await answer_introspection(call, self.introspection)
        if wants_jwt(request[HEAD].header("accept")):
            return jwt_response(await sign_introspection(call, self.introspection), MEDIA_TYPE)
        return json_response(answer)

    async def _token(self, request: web.Request) -> Response:
        only_post(request)
        head = request[HEAD]
        call = received(TokenRequestState, request, await read_form(request, self.body_timeout))
        call.path = head.path.decode("latin-1")
        try:
            await answer_token_request(call, self.services)
        except OAuthError as error:
            self.refused(call, error)
            raise
        self.note_granted(call)
        return token_response(call.answer, call.nonce)

    def _tallied(self, call: TokenRequestState, *, issued: bool) -> None:
        if self.tally is not None:
            # A call that was refused before its client was known has none, or the one that it named.
            client, proof = getattr(call, "client", None), getattr(call, "proof", None)
            if client is None and proof is not None:
                client = self.services.clients.claimed(proof)
            self.tally.token(client, issued)


def received(kind: type[Call], request: web.Request, body: bytes) -> Call:
    """The request as the steps of an endpoint take it. They add to it; `OAUTH_CALL` finds it again."""
    head = request[HEAD]
    call = kind(
        query="" if head.query is None else head.query.decode("latin-1"),
        content_type=head.header("content-type"),
        body=body,
        authorization=head.values(b"authorization"),
        address=head.peer.address,
        proofs=head.values(b"dpop"),
        certificate=head.peer.certificate,
        headers=head.headers,
    )
    found: ClientRequest = call
    request[OAUTH_CALL] = found
    return call


def wants_wait(values: Sequence[bytes]) -> bool:
    """Whether a `Prefer` header has the preference `wait`, with or without seconds."""
    preferences = (one.partition(b";")[0].partition(b"=")[0] for value in values for one in value.split(b","))
    return any(one.strip().lower() == b"wait" for one in preferences)


def only_post(request: web.Request) -> None:
    """RFC 6749 section 3.2: the client must use POST."""
    if request.method != "POST":
        raise OAuthError("invalid_request", "This endpoint takes POST.", status=405)


async def no_authorization(request: web.Request) -> web.StreamResponse:
    """`/authorize`: metadata names it because clients demand it; nobody is authorized by redirection here."""
    text = (
        "This server has no authorization endpoint: the authorization code grant is not served. "
        "Ask the token endpoint with a grant of grant_types_supported, such as client_credentials."
    )
    error = OAuthError("unsupported_response_type", text)
    return web.Response(
        status=error.status,
        body=json.dumps(error.body).encode(),
        headers={name.decode(): value.decode() for name, value in TOKEN_HEADERS},
    )


async def read_form(request: web.Request, within: float) -> bytes:
    """The same as `read_body`, with errors as OAuth clients read them.

    Raises:
        OAuthError: `invalid_request`: 413 for a body that is too large, 408 for one that is too slow, 415 for
            one with a content coding.
    """
    codings = (request[HEAD].header("content-encoding") or "identity").lower()
    if codings != "identity":
        raise OAuthError("invalid_request", "Content codings are not accepted here.", status=415, close=True)
    try:
        return await read_body(request, within)
    except Problem as problem:
        status = problem.kind.status
        raise OAuthError("invalid_request", problem.detail, status=status, close=problem.close) from problem


async def read_body(request: web.Request, within: float) -> bytes:
    """A form's bytes, `within` so many seconds, and no more than a form needs."""
    body = bytearray()
    try:
        async with asyncio.timeout(within):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > MAX_FORM:
                    raise Problem(BODY_TOO_LARGE, close=True)
    except TimeoutError:
        raise Problem(SLOW_REQUEST, close=True) from None
    except web.RequestPayloadError:
        raise invalid_request("The body is malformed.") from None
    return bytes(body)
