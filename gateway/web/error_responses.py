"""The one place where an error becomes a response."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.errors import IssuerUnavailable, StoreUnavailable
from gateway.http.limit_names import CONCURRENCY
from gateway.http.problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    INTERNAL_ERROR,
    NO_ROUTE,
    OVERLOADED,
    STORE_UNAVAILABLE,
    UPSTREAM_BROKEN,
    UPSTREAM_SLOW,
    UPSTREAM_UNAVAILABLE,
    Problem,
    ProblemType,
    retry_after,
)
from gateway.upstream.errors import (
    UpstreamBroken,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamSlow,
    UpstreamUnavailable,
)

log = logging.getLogger("gatepost")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def to_problem(error: Exception) -> Problem:
    """The problem that the client gets for an error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, StoreUnavailable | IssuerUnavailable):
        return Problem(STORE_UNAVAILABLE, headers=retry_after(error.retry_after), reason=error.reason)
    if isinstance(error, UpstreamError):
        return _upstream_problem(error)
    return Problem(INTERNAL_ERROR, close=True, reason=repr(error))


def to_logged_problem(error: Exception) -> Problem:
    """The same. An error of the gateway's own is logged."""
    problem = to_problem(error)
    if problem.kind.status == 500:  # noqa: PLR2004 (a problem of the gateway's own)
        log.error("request failed", exc_info=error)
    return problem


def _upstream_problem(error: UpstreamError) -> Problem:
    if isinstance(error, UpstreamOverloaded):
        headers = retry_after(error.retry_after)
        return Problem(OVERLOADED, headers=headers, reason=str(error), limit=CONCURRENCY)
    if isinstance(error, UpstreamUnavailable):
        return Problem(UPSTREAM_UNAVAILABLE, headers=retry_after(error.retry_after), reason=str(error))
    kinds: dict[type[UpstreamError], ProblemType] = {
        UpstreamBroken: UPSTREAM_BROKEN,
        UpstreamSlow: UPSTREAM_SLOW,
    }
    return Problem(kinds.get(type(error), UPSTREAM_BROKEN), reason=str(error))


def aiohttp_problem(error: web.HTTPException) -> Problem:
    """What aiohttp raises by itself, as a problem."""
    kinds = {404: NO_ROUTE, 413: BODY_TOO_LARGE, 500: INTERNAL_ERROR}
    return Problem(kinds.get(error.status, BAD_REQUEST), close=True)
