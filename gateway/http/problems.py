"""The gateway's own refusals: one table from what went wrong to what the client reads.

The codes are those that API clients already know from WSO2 API Manager, where it has one; else the
status. A problem never says more than the client may know; the reason behind it goes to the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gateway.http.exchange import Headers


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One row of the table."""

    code: str
    status: int
    title: str
    detail: str


INVALID_TOKEN = ProblemType("900901", 401, "Invalid credentials", "The access token is not valid.")
MISSING_TOKEN = ProblemType("900902", 401, "Missing credentials", "This route needs an access token.")
BAD_SIGNATURE = ProblemType("401", 401, "Not signed", "The request has no valid signature.")
NOT_SUBSCRIBED = ProblemType(
    "900908", 403, "Not subscribed", "The client has no approved subscription to this API."
)
INSUFFICIENT_SCOPE = ProblemType("900910", 403, "Not allowed", "The access token is not allowed to do this.")
FORBIDDEN = ProblemType("403", 403, "Not allowed", "This is not allowed.")
NO_ROUTE = ProblemType("404", 404, "Not found", "No route leads there.")
METHOD_NOT_ALLOWED = ProblemType("405", 405, "Method not allowed", "The route does not serve this method.")
RATE_LIMITED = ProblemType("900800", 429, "Too many requests", "A limit has been reached.")
BAD_REQUEST = ProblemType("400", 400, "Bad request", "The request is malformed or ambiguous.")
SLOW_REQUEST = ProblemType("408", 408, "Request time-out", "The request did not arrive in time.")
BODY_TOO_LARGE = ProblemType("413", 413, "Body too large", "The body is larger than allowed.")
TARGET_TOO_LONG = ProblemType("414", 414, "Target too long", "The request target is longer than allowed.")
EXPECTATION_FAILED = ProblemType("417", 417, "Expectation failed", "The expectation can't be met.")
HEADERS_TOO_LARGE = ProblemType("431", 431, "Headers too large", "The headers are larger than allowed.")
UNKNOWN_METHOD = ProblemType("501", 501, "Not implemented", "The method or coding is not known.")
WRONG_VERSION = ProblemType("505", 505, "HTTP version not supported", "Speak HTTP/1.1 here.")
INTERNAL_ERROR = ProblemType("500", 500, "Internal error", "The gateway failed on this request.")
UPSTREAM_BROKEN = ProblemType("101503", 502, "Bad gateway", "The upstream gave no usable answer.")
UPSTREAM_SLOW = ProblemType("101504", 504, "Gateway time-out", "The upstream did not answer in time.")
UPSTREAM_UNAVAILABLE = ProblemType("303001", 503, "Upstream unavailable", "No healthy upstream is left.")
OVERLOADED = ProblemType("503", 503, "Overloaded", "Too many requests are under way. Try again later.")
NOT_CACHED = ProblemType("504", 504, "Not cached", "A cached response is asked for, and there is none.")
STORE_UNAVAILABLE = ProblemType("900900", 503, "Unavailable", "Tokens can't be checked at the moment.")


class Problem(Exception):  # noqa: N818 (a refusal is an answer, not a programming error)
    """A request that the gateway answers itself, with a row of the table."""

    media_type: ClassVar[bytes] = b"application/problem+json"

    def __init__(
        self,
        kind: ProblemType,
        detail: str = "",
        *,
        headers: Headers | None = None,
        close: bool = False,
        reason: str = "",
        members: Mapping[str, object] | None = None,
        limit: str = "",
    ) -> None:
        """`members`: further ones of its document (RFC 9457 section 3.2)."""
        super().__init__(reason or detail or kind.detail)
        self.kind = kind
        self.detail = detail or kind.detail
        self.headers: Headers = headers or []
        self.limit = limit
        """The limit that was passed (`gateway.http.limit_names`); empty: it is for another reason."""
        self.close = close
        """Whether the connection can't be used after this."""
        self.members: Mapping[str, object] = members or {}

    def document(self, request_id: str) -> dict[str, Any]:
        """The members of its problem+json object (RFC 9457 section 3.1)."""
        return {
            **self.members,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "code": self.kind.code,
            "request_id": request_id,
        }


def retry_after(seconds: int) -> Headers:
    """The header that says when to come back (RFC 9110 section 10.2.3)."""
    return [(b"Retry-After", str(max(1, seconds)).encode())]
