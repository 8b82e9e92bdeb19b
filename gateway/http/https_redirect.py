"""Where a request for `http` is sent that must come by `https`."""

from __future__ import annotations

from gateway.http.exchange import RequestHead, Response
from gateway.http.problems import BAD_REQUEST, Problem

HTTPS_PORT = 443


def https_redirect(head: RequestHead, port: int) -> Response:
    """The redirect to the same host, path and query. RFC 9110 section 15.4.9: 308 keeps method and body.

    301 for GET and HEAD, which every client follows the same way. Problem: 400 for a request without a host.
    """
    if not head.host:
        raise Problem(BAD_REQUEST, "There must be one Host header.", close=True)
    host = _without_port(head.host)
    authority = host if port == HTTPS_PORT else f"{host}:{port}"
    status = 301 if head.method in ("GET", "HEAD") else 308
    return Response(status, headers=[(b"Location", b"https://" + authority.encode() + head.target)])


def _without_port(host: str) -> str:
    """A host that has been found valid: a name, an IPv4 address, or an IPv6 address in brackets."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
