"""The one place where an error becomes a response."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod, LineTooLong

from gateway.errors import IssuerUnavailable, StoreUnavailable
from gateway.faults import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    FAILED,
    HEADERS_TOO_LARGE,
    NO_ROUTE,
    STORE_AWAY,
    TARGET_TOO_LONG,
    UNKNOWN_METHOD,
    UPSTREAM_AWAY,
    UPSTREAM_BROKEN,
    UPSTREAM_SLOW,
    Fault,
    FaultKind,
    retry_after,
)
from gateway.oauth.errors import OAuthError
from gateway.proxy.target import MAX_TARGET
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamSlow, UpstreamUnavailable

log = logging.getLogger("gatepost")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# RFC 6749 section 5.1: a response with a token or an error about one is never kept.
TOKEN_HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Pragma": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def as_fault(error: Exception) -> Fault:
    """The fault that a caller is told for an error from below."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, StoreUnavailable | IssuerUnavailable):
        return Fault(STORE_AWAY, headers=retry_after(error.retry_after), reason=error.reason)
    if isinstance(error, UpstreamError):
        return _upstream_fault(error)
    return Fault(FAILED, close=True, reason=repr(error))


def _upstream_fault(error: UpstreamError) -> Fault:
    if isinstance(error, UpstreamUnavailable):
        return Fault(UPSTREAM_AWAY, headers=retry_after(error.retry_after), reason=str(error))
    kinds: dict[type[UpstreamError], FaultKind] = {
        UpstreamBroken: UPSTREAM_BROKEN,
        UpstreamSlow: UPSTREAM_SLOW,
    }
    return Fault(kinds.get(type(error), UPSTREAM_BROKEN), reason=str(error))


def token_response(body: Mapping[str, object], status: int = 200) -> web.Response:
    """A JSON answer of an OAuth endpoint."""
    return web.Response(body=json.dumps(body).encode(), status=status, headers=TOKEN_HEADERS)


def oauth_response(error: OAuthError, realm: str) -> web.Response:
    """An OAuth error as RFC 6749 section 5.2 has it."""
    response = token_response(error.body, error.status)
    if error.error == "invalid_client" and error.status == 401:  # noqa: PLR2004 (Unauthorized)
        # RFC 9110 section 15.5.2: a 401 must have a challenge.
        response.headers["WWW-Authenticate"] = f'Basic realm="{realm}"'
    if error.status == 405:  # noqa: PLR2004 (Method Not Allowed)
        # RFC 9110 section 15.5.6: it must say which methods there are.
        response.headers["Allow"] = "POST"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return with_nonce(response, error.nonce)


def with_nonce(response: web.Response, nonce: str | None) -> web.Response:
    """RFC 9449 section 8: what the client is to put into its next DPoP proof, where there is something."""
    if nonce is not None:
        response.headers["DPoP-Nonce"] = nonce
    return response


async def oauth_faults(work: Awaitable[web.StreamResponse], realm: str) -> web.StreamResponse:
    """Answers every error of an OAuth endpoint as OAuth clients expect it."""
    try:
        return await work
    except OAuthError as error:
        if error.delay:
            await asyncio.sleep(error.delay)
        return oauth_response(error, realm)
    except StoreUnavailable as error:
        log.warning("store unavailable: %s", error.reason)
        return oauth_response(_away(error.retry_after), realm)


def _away(seconds: int) -> OAuthError:
    return OAuthError(
        "temporarily_unavailable", "The token store can't be reached.", retry_after=max(1, seconds)
    )


def http_fault(error: web.HTTPException) -> Fault:
    """What aiohttp raises by itself, as one of the gateway's own faults."""
    kinds = {404: NO_ROUTE, 413: BODY_TOO_LARGE, 500: FAILED}
    return Fault(kinds.get(error.status, BAD_REQUEST), close=True)


def unread_kind(error: BaseException | None) -> FaultKind:
    """What a caller is told whose request aiohttp can't parse."""
    if isinstance(error, BadHttpMethod):
        return UNKNOWN_METHOD
    if not isinstance(error, LineTooLong):
        return BAD_REQUEST
    # aiohttp says which limit was passed, and the two differ.
    return TARGET_TOO_LONG if error.args[1] == MAX_TARGET else HEADERS_TOO_LARGE
