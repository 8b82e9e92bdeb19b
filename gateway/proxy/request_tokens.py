"""The token of a request, wherever its route lets it be, and the request without it.

A cookie comes by itself with every request to the gateway, whichever page makes it. So one counts only where
the browser names that page's origin, and the route's `cors` lists it: neither without an Origin nor without
the plugin, and not where `cors` allows every origin.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.http.exchange import Header, Headers, RequestHead, header_values
from gateway.http.route import Route
from gateway.http.token_sources import TokenSources
from gateway.http.upgrade import asked_upgrade
from gateway.oauth.bearer import AuthError, BearerCredentials, read_token, read_token_value

_BEARER: Final = b"bearer"
_PROTOCOL: Final = b"sec-websocket-protocol"


def presented_credentials(request: RequestHead, route: Route) -> BearerCredentials | AuthError:
    """The request's token, or why there is none.

    RFC 6750 section 2: a client must not use more than one method to send its token.
    """
    sources = route.token_sources
    if sources is None:
        return read_token(request.values(b"authorization"))
    found = [
        credentials
        for credentials in _presented(request, route, sources)
        if credentials is not AuthError.MISSING
    ]
    if not found:
        return AuthError.MISSING
    return found[0] if len(found) == 1 else AuthError.MALFORMED


def _presented(
    request: RequestHead, route: Route, sources: TokenSources
) -> Iterator[BearerCredentials | AuthError]:
    if sources.header:
        yield read_token(request.values(b"authorization"))
    if sources.cookies and _comes_from_allowed_page(request, route):
        for name, value in _cookies(request.values(b"cookie")):
            if name in sources.cookies and value:
                yield read_token_value(value)
    if sources.websocket_protocol and (asked_upgrade(request) or b"").lower() == b"websocket":
        yield from _offered_tokens(request)


def _comes_from_allowed_page(request: RequestHead, route: Route) -> bool:
    origins = request.values(b"origin")
    return len(origins) == 1 and any(allows(origins[0]) for allows in route.pipeline.allows_origin)


def _cookies(values: tuple[bytes, ...]) -> Iterator[tuple[bytes, bytes]]:
    """RFC 6265 section 4.2.1. A value may stand in quotes."""
    for pair in b";".join(values).split(b";"):
        name, _, value = pair.partition(b"=")
        value = value.strip()
        if len(value) > 1 and value[:1] == value[-1:] == b'"':
            value = value[1:-1]
        yield name.strip(), value


def _offered_tokens(request: RequestHead) -> Iterator[BearerCredentials | AuthError]:
    offered = _protocols(request.values(_PROTOCOL))
    for place, protocol in enumerate(offered):
        if protocol.lower() == _BEARER:
            yield read_token_value(offered[place + 1]) if place + 1 < len(offered) else AuthError.MALFORMED


def _protocols(values: tuple[bytes, ...] | list[bytes]) -> list[bytes]:
    return [protocol.strip() for value in values for protocol in value.split(b",") if protocol.strip()]


def without_tokens(headers: Headers, sources: TokenSources) -> Headers:
    """The headers without the places where a token may be, whether it counted or not.

    Authorization is not among them: `forward_token` decides over that.
    """
    if sources.cookies:
        headers = [kept for item in headers for kept in _without_cookies(item, sources.cookies)]
    if sources.websocket_protocol:
        headers = _without_offers(headers)
    return headers


def _without_cookies(item: Header, names: frozenset[bytes]) -> Iterator[Header]:
    if item[0].lower() != b"cookie":
        yield item
        return
    pairs = item[1].split(b";")
    kept = [pair for pair in pairs if pair.partition(b"=")[0].strip() not in names]
    if len(kept) == len(pairs):
        yield item
    elif any(pair.strip() for pair in kept):
        yield item[0], b"; ".join(pair.strip() for pair in kept)


def _without_offers(headers: Headers) -> Headers:
    offered = _protocols(header_values(headers, _PROTOCOL))
    if not any(protocol.lower() == _BEARER for protocol in offered):
        return headers
    kept, skip = list[bytes](), False
    for protocol in offered:
        if skip:
            skip = False
        elif protocol.lower() == _BEARER:
            skip = True
        else:
            kept.append(protocol)
    others = [item for item in headers if item[0].lower() != _PROTOCOL]
    return [*others, (b"Sec-WebSocket-Protocol", b", ".join(kept))] if kept else others


def chosen_protocol(request: RequestHead, route: Route, response: Headers) -> Headers:
    """What a 101 needs in addition: browsers fail a WebSocket of whose offers none is chosen."""
    sources = route.token_sources
    if sources is None or not sources.websocket_protocol or header_values(response, _PROTOCOL):
        return []
    offered = _protocols(request.values(_PROTOCOL))
    return [(b"Sec-WebSocket-Protocol", protocol) for protocol in offered if protocol.lower() == _BEARER][:1]
