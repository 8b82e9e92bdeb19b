"""The aiohttp side of the metadata documents. They are worked out when the configuration is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

from gateway.http.endpoints import RESOURCE_METADATA, GatewayPaths
from gateway.http.exchange import RequestHead
from gateway.http.problems import METHOD_NOT_ALLOWED, NO_ROUTE, Problem
from gateway.http.route_target import segments_of
from gateway.oauth.metadata import Members, Resource, ResourceKey
from gateway.runtime.give_way import giving_way
from gateway.web.endpoint_cors import any_origin
from gateway.web.request_context import HEAD

HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "public, max-age=300",
    "X-Content-Type-Options": "nosniff",
}
_WELL_KNOWN = segments_of(RESOURCE_METADATA)


class MetadataEndpoints:
    """Public documents, the same for everybody."""

    def __init__(
        self, server: Members, resources: Mapping[ResourceKey, Resource], paths: GatewayPaths
    ) -> None:
        self._server = json.dumps(server).encode()
        self._resources = resources
        self._most_segments = max((len(segments) for _, segments in giving_way(resources)), default=0)
        self._base = segments_of(paths.base or "/")

    async def server(self, request: web.Request) -> web.Response:
        """RFC 8414 section 3."""
        return document(request, self._server)

    async def resource(self, request: web.Request) -> web.Response:
        """RFC 9728 section 3: the gateway as a whole, or the route whose path stands behind."""
        members = self._find(request[HEAD])
        if members is None:
            raise Problem(NO_ROUTE)
        return document(request, json.dumps(members).encode())

    def _find(self, head: RequestHead) -> Members | None:
        segments = head.segments[len(_WELL_KNOWN) :]
        if self._base and segments[: len(self._base)] == self._base:
            segments = segments[len(self._base) :]
        host = head.host.rpartition(":")[0] if ":" in head.host else head.host
        for name in (host, None):
            # No more than any resource has: else the time would grow with the square of a long path.
            for length in range(min(len(segments), self._most_segments), -1, -1):
                resource = self._resources.get((name, segments[:length]))
                if resource is None:
                    continue
                if length == len(segments):
                    return resource.members
                if resource.below:
                    # RFC 9728 section 3.3: `resource` is the identifier that the URL was made of.
                    path = b"/" + b"/".join(head.path.split(b"/")[-len(segments) :])
                    return resource.members | {"resource": resource.root + path.decode("latin-1")}
        return None


def document(request: web.Request, body: bytes, headers: Mapping[str, str] = HEADERS) -> web.Response:
    """A JSON document that may be kept, and that pages of every origin may read.

    Raises:
        Problem: 405 where it is not asked for with GET or HEAD.
    """
    if request.method == "OPTIONS" and "Origin" in request.headers:
        return any_origin(web.Response(status=204))
    if request.method not in ("GET", "HEAD"):
        raise Problem(METHOD_NOT_ALLOWED, headers=[(b"Allow", b"GET, HEAD")])
    return any_origin(web.Response(body=body, headers=headers))
