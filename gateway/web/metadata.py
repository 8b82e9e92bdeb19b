"""The aiohttp side of the metadata documents. They are worked out when the configuration is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

from gateway.endpoints import RESOURCE_METADATA
from gateway.faults import NO_ROUTE, WRONG_METHOD, Fault
from gateway.oauth.metadata import Members
from gateway.proxy.routes import segments_of
from gateway.web.arrival import HEAD

HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "public, max-age=300",
    "X-Content-Type-Options": "nosniff",
}
_BEFORE_PATH = len(segments_of(RESOURCE_METADATA))


class MetadataEndpoints:
    """Public documents, the same for everybody and for every Host."""

    def __init__(self, server: Members, resources: Mapping[tuple[str, ...], Members]) -> None:
        self._server = json.dumps(server).encode()
        self._resources = {path: json.dumps(members).encode() for path, members in resources.items()}

    async def server(self, request: web.Request) -> web.Response:
        """RFC 8414 section 3."""
        return document(request, self._server)

    async def resource(self, request: web.Request) -> web.Response:
        """RFC 9728 section 3: the gateway as a whole, or the route whose path stands behind."""
        body = self._resources.get(request[HEAD].segments[_BEFORE_PATH:])
        if body is None:
            raise Fault(NO_ROUTE)
        return document(request, body)


def document(request: web.Request, body: bytes, headers: Mapping[str, str] = HEADERS) -> web.Response:
    """A JSON document that may be kept.

    Raises:
        Fault: 405 where it is not asked for with GET or HEAD.
    """
    if request.method not in ("GET", "HEAD"):
        raise Fault(WRONG_METHOD, headers=[(b"Allow", b"GET, HEAD")])
    return web.Response(body=body, headers=headers)
