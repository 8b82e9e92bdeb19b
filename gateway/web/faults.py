"""The one place where an error becomes a response."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

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
from gateway.proxy.target import MAX_TARGET
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamSlow, UpstreamUnavailable

log = logging.getLogger("gatepost")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def as_fault(error: Exception) -> Fault:
    """The fault that a caller is told for an error from below."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, StoreUnavailable | IssuerUnavailable):
        return Fault(STORE_AWAY, headers=retry_after(error.retry_after), reason=error.reason)
    if isinstance(error, UpstreamError):
        return _upstream_fault(error)
    return Fault(FAILED, close=True, reason=repr(error))


def logged_fault(error: Exception) -> Fault:
    """The same; the log hears of an error that is the gateway's own."""
    fault = as_fault(error)
    if fault.kind.status == 500:  # noqa: PLR2004 (a fault of the gateway's own)
        log.error("request failed", exc_info=error)
    return fault


def _upstream_fault(error: UpstreamError) -> Fault:
    if isinstance(error, UpstreamUnavailable):
        return Fault(UPSTREAM_AWAY, headers=retry_after(error.retry_after), reason=str(error))
    kinds: dict[type[UpstreamError], FaultKind] = {
        UpstreamBroken: UPSTREAM_BROKEN,
        UpstreamSlow: UPSTREAM_SLOW,
    }
    return Fault(kinds.get(type(error), UPSTREAM_BROKEN), reason=str(error))


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
