"""Which web pages may use the gateway's own endpoints (CORS, Fetch standard section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.http.exchange import Headers, Response
from gateway.http.origins import NO_ORIGINS, AllowedOrigins

_MAX_AGE = "600"
"""Seconds for which browsers may cache a preflight."""
_EXPOSED = b"WWW-Authenticate, DPoP-Nonce, Retry-After"
"""What pages may read beside the headers that they may always read."""


@dataclass(frozen=True, slots=True)
class EndpointCors:
    """The origins whose pages may call the OAuth endpoints: those of `server.cors` and of clients.

    A page that may call needs a client's credentials all the same. Cookies play no part, so nobody is let in
    by his browser.
    """

    origins: AllowedOrigins = NO_ORIGINS

    def headers(self, origins: Sequence[bytes]) -> Headers:
        """What a response to a request with these Origin headers says."""
        if not self.origins:
            return []
        headers: Headers = [(b"Vary", b"Origin")]
        if len(origins) == 1 and origins[0] in self.origins:
            headers += [
                (b"Access-Control-Allow-Origin", origins[0]),
                (b"Access-Control-Expose-Headers", _EXPOSED),
            ]
        return headers

    def preflight(self, method: str, origins: Sequence[bytes], wanted: Sequence[bytes]) -> Response | None:
        """The answer to a preflight; None where the request is none.

        `wanted` are the values of Access-Control-Request-Method.
        """
        if method != "OPTIONS" or not origins or not wanted:
            return None
        headers = self.headers(origins)
        if len(headers) > 1:
            headers += [
                (b"Access-Control-Allow-Methods", b"POST"),
                (b"Access-Control-Allow-Headers", b"Authorization, Content-Type, DPoP"),
                (b"Access-Control-Max-Age", _MAX_AGE.encode()),
            ]
        return Response(204, headers=headers)


def any_origin(response: web.Response) -> web.Response:
    """Lets pages of every origin read a public document, whatever headers they ask for it with."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    if response.status == 204:  # noqa: PLR2004 (No Content: the answer to a preflight)
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD"
        response.headers["Access-Control-Allow-Headers"] = "*"
        response.headers["Access-Control-Max-Age"] = _MAX_AGE
    return response
