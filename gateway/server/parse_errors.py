"""Why aiohttp can't parse a request, in the gateway's words."""

from __future__ import annotations

from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, LineTooLong

from gateway.http.limit_names import HEAD, TARGET
from gateway.http.problems import (
    BAD_REQUEST,
    HEADERS_TOO_LARGE,
    TARGET_TOO_LONG,
    UNKNOWN_METHOD,
    Problem,
    ProblemType,
)

_LIMITS = {TARGET_TOO_LONG: TARGET, HEADERS_TOO_LARGE: HEAD}
_HOST = "There must be one Host header."
_LENGTH = "Content-Length is invalid."
_BOTH = "Transfer-Encoding and Content-Length can't stand together."
_VALUE = "The value of a header has a control character, or does not end in CR LF."
_DETAILS = {
    "Missing 'Host' header in request.": _HOST,
    "Duplicate 'Host' header found.": _HOST,
    "Duplicate Content-Length": _LENGTH,
    "Invalid character in Content-Length": _LENGTH,
    "Content-Length overflow": _LENGTH,
    "Empty Content-Length": _LENGTH,
    "Transfer-Encoding can't be present with Content-Length": _BOTH,
    "Content-Length can't be present with Transfer-Encoding": _BOTH,
    "Request has invalid `Transfer-Encoding`": "Transfer-Encoding must end in chunked.",
    "Unexpected whitespace after header value": "A header goes on in a further line.",
    "Invalid header token": "The name of a header is malformed.",
    "Invalid header value char": _VALUE,
    "Missing expected CR after header value": _VALUE,
    "Missing expected LF after header value": _VALUE,
    "Data after `Connection: close`": "Something follows a request with Connection: close.",
}
"""By what the parser says before it quotes the request, which may have secrets."""
_CHUNK = "chunk"
"""In all that it says of chunks, which are quoted behind that."""


def parse_problem(error: BaseException | None, longest_target: int) -> Problem:
    """The problem for a request that aiohttp can't parse. `longest_target`: the limit it was given."""
    kind = _kind(error, longest_target)
    return Problem(
        kind, _detail(error) if kind is BAD_REQUEST else "", close=True, limit=_LIMITS.get(kind, "")
    )


def _kind(error: BaseException | None, longest_target: int) -> ProblemType:
    if isinstance(error, BadHttpMethod):
        return UNKNOWN_METHOD
    if not isinstance(error, LineTooLong):
        return BAD_REQUEST
    # aiohttp says which limit was passed, and the two differ.
    return TARGET_TOO_LONG if error.args[1] == longest_target else HEADERS_TOO_LARGE


def _detail(error: BaseException | None) -> str:
    if not isinstance(error, HttpProcessingError):
        return ""
    says = error.message.partition(":\n")[0]
    return _DETAILS.get(says, "The chunked body is malformed." if _CHUNK in says.lower() else "")
