"""The gateway's own refusals: one table from what went wrong to what the caller reads.

The codes are those that API clients already know from WSO2 API Manager, where it has one; else the
status. A fault never says more than the caller may know; the reason behind it goes to the log.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.exchange import Headers


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the table."""

    code: str
    status: int
    title: str
    detail: str


INVALID_TOKEN = FaultKind("900901", 401, "Invalid credentials", "The access token is not valid.")
MISSING_TOKEN = FaultKind("900902", 401, "Missing credentials", "This route needs an access token.")
FORBIDDEN = FaultKind("900910", 403, "Not allowed", "The access token is not allowed to do this.")
REFUSED = FaultKind("403", 403, "Not allowed", "This is not allowed.")
NO_ROUTE = FaultKind("404", 404, "Not found", "No route leads there.")
WRONG_METHOD = FaultKind("405", 405, "Method not allowed", "The route does not serve this method.")
LIMITED = FaultKind("900800", 429, "Too many requests", "A limit has been reached.")
BAD_REQUEST = FaultKind("400", 400, "Bad request", "The request is malformed or ambiguous.")
SLOW_REQUEST = FaultKind("408", 408, "Request time-out", "The request did not arrive in time.")
BODY_TOO_LARGE = FaultKind("413", 413, "Body too large", "The body is larger than allowed.")
TARGET_TOO_LONG = FaultKind("414", 414, "Target too long", "The request target is longer than allowed.")
EXPECTATION_FAILED = FaultKind("417", 417, "Expectation failed", "The expectation can't be met.")
HEADERS_TOO_LARGE = FaultKind("431", 431, "Headers too large", "The headers are larger than allowed.")
UNKNOWN_METHOD = FaultKind("501", 501, "Not implemented", "The method or coding is not known.")
WRONG_VERSION = FaultKind("505", 505, "HTTP version not supported", "Speak HTTP/1.1 here.")
FAILED = FaultKind("500", 500, "Internal error", "The gateway failed on this request.")
UPSTREAM_BROKEN = FaultKind("101503", 502, "Bad gateway", "The upstream gave no usable answer.")
UPSTREAM_SLOW = FaultKind("101504", 504, "Gateway time-out", "The upstream did not answer in time.")
UPSTREAM_AWAY = FaultKind("303001", 503, "Upstream unavailable", "No healthy upstream is left.")
STORE_AWAY = FaultKind("900900", 503, "Unavailable", "Tokens can't be checked at the moment.")


class Fault(Exception):  # noqa: N818 (a refusal is an answer, not a programming error)
    """A request that the gateway answers itself, with a row of the table."""

    def __init__(
        self,
        kind: FaultKind,
        detail: str = "",
        *,
        headers: Headers | None = None,
        close: bool = False,
        reason: str = "",
    ) -> None:
        super().__init__(reason or detail or kind.detail)
        self.kind = kind
        self.detail = detail or kind.detail
        self.headers: Headers = headers or []
        self.close = close
        """Whether the connection can't be used after this."""

    def problem(self, request_id: str) -> dict[str, str | int]:
        """The members of its problem+json object (RFC 9457 section 3.1)."""
        return {
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "code": self.kind.code,
            "request_id": request_id,
        }


def retry_after(seconds: int) -> Headers:
    """The header that says when to come back (RFC 9110 section 10.2.3)."""
    return [(b"Retry-After", str(max(1, seconds)).encode())]
