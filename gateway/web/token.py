"""The aiohttp side of the endpoints that take a client's form: `/token`, `/revoke`, `/introspect`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from gateway.accounts.usage import Tally
from gateway.exchange import Answer, RequestHead
from gateway.faults import BODY_TOO_LARGE, SLOW_REQUEST, Fault
from gateway.oauth.errors import OAuthError, invalid_request
from gateway.steps.client_call import ClientCall
from gateway.steps.introspection import IntrospectionCall, IntrospectionDesk, answer_introspection
from gateway.steps.revocation import RevocationCall, RevocationDesk, answer_revocation
from gateway.steps.token import TokenCall, TokenDesk, answer_token_request
from gateway.telemetry import Telemetry
from gateway.web.arrival import HEAD
from gateway.web.oauth_answers import TOKEN_HEADERS, json_answer, oauth_faults, token_answer
from gateway.web.sent import send_answer

MAX_FORM = 65_536
"""Bytes of a form."""
Call = TypeVar("Call", bound=ClientCall)


@dataclass(frozen=True, slots=True)
class OAuthEndpoints:
    """The OAuth endpoints of the gateway."""

    desk: TokenDesk
    revocation: RevocationDesk
    introspection: IntrospectionDesk
    realm: str
    body_timeout: float
    telemetry: Telemetry
    tally: Tally | None = None

    async def token(self, request: web.Request) -> web.StreamResponse:
        """`POST /token` (RFC 6749 section 3.2)."""
        return await self._send(request, self._token(request))

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """`POST /revoke` (RFC 7009 section 2)."""
        return await self._send(request, self._revoke(request))

    async def introspect(self, request: web.Request) -> web.StreamResponse:
        """`POST /introspect` (RFC 7662 section 2)."""
        return await self._send(request, self._introspect(request))

    def granted(self, call: TokenCall) -> Answer:
        """Notes that a token goes out, and says what its client is told."""
        self.telemetry.token(call.grant_type, "reused" if call.answer.reused else "issued")
        self._tallied(call, issued=True)
        return token_answer(call.answer, call.nonce)

    def refused(self, call: TokenCall, error: OAuthError) -> None:
        """Notes that none does."""
        self.telemetry.token(call.grant_type, error.error)
        self._tallied(call, issued=False)

    async def _send(self, request: web.Request, work: Awaitable[Answer]) -> web.StreamResponse:
        answer = await oauth_faults(work, self.realm)
        return await send_answer(request, answer, [], self.desk.clock())

    async def _revoke(self, request: web.Request) -> Answer:
        only_post(request)
        call = received(RevocationCall, request[HEAD], await read_body(request, self.body_timeout))
        await answer_revocation(call, self.revocation)
        # RFC 7009 section 2.2: the client ignores the body; the status says it all.
        return Answer(200, headers=TOKEN_HEADERS)

    async def _introspect(self, request: web.Request) -> Answer:
        only_post(request)
        call = received(IntrospectionCall, request[HEAD], await read_body(request, self.body_timeout))
        return json_answer(await answer_introspection(call, self.introspection))

    async def _token(self, request: web.Request) -> Answer:
        only_post(request)
        call = received(TokenCall, request[HEAD], await read_body(request, self.body_timeout))
        try:
            await answer_token_request(call, self.desk)
        except OAuthError as error:
            self.refused(call, error)
            raise
        return self.granted(call)

    def _tallied(self, call: TokenCall, *, issued: bool) -> None:
        if self.tally is not None:
            # A call that was refused before its client was known has none.
            self.tally.token(getattr(call, "client", None), issued)


def received(kind: type[Call], head: RequestHead, body: bytes) -> Call:
    """What the steps of an endpoint begin with."""
    return kind(
        query="" if head.query is None else head.query.decode("latin-1"),
        content_type=head.header("content-type"),
        body=body,
        authorization=head.values(b"authorization"),
        address=head.peer.address,
        proofs=head.values(b"dpop"),
        certificate=head.peer.certificate,
    )


def only_post(request: web.Request) -> None:
    """RFC 6749 section 3.2: the client must use POST."""
    if request.method != "POST":
        raise OAuthError("invalid_request", "This endpoint takes POST.", status=405)


async def read_body(request: web.Request, within: float) -> bytes:
    """A form's bytes, `within` so many seconds, and no more than a form needs."""
    body = bytearray()
    try:
        async with asyncio.timeout(within):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > MAX_FORM:
                    raise Fault(BODY_TOO_LARGE, close=True)
    except TimeoutError:
        raise Fault(SLOW_REQUEST, close=True) from None
    except web.RequestPayloadError:
        raise invalid_request("The body is malformed.") from None
    return bytes(body)
