"""What a request asks of `cache`, and who asks: by this responses are stored and found."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import urljoin, urlsplit

from gateway.plugin import (
    Directives,
    Exchange,
    Headers,
    RequestHead,
    ResponseHead,
    directives,
    header_values,
    vary_values,
)

ANONYMOUS = "-"
"""A caller who shows nothing by which he could be told from others."""
# Their answers are parts, or depend on what the origin has now.
_BYPASSING = (b"range", b"if-range", b"if-match", b"if-unmodified-since", b"upgrade")


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What a request asks for, and who asks."""

    resource: str
    """A digest of what is asked for."""
    caller: str
    """A digest of who asks, or `ANONYMOUS`."""
    authorized: bool
    """Whether he is known by a token, or shows Authorization to the upstream."""
    uri: str
    """That of the target."""
    heads: tuple[Headers, tuple[tuple[bytes, bytes], ...]]
    """The headers that a response can depend on: as they go upstream, and as they came."""

    def varied(self, names: tuple[bytes, ...]) -> str:
        """What a response depends on that depends on these headers."""
        return _digest(repr(names), repr(vary_values(names, *self.heads)))

    def identity(self, caller: str, names: tuple[bytes, ...] = ()) -> str:
        """Of the response to this caller, which depends on the headers of these names."""
        return _digest(self.resource, caller, self.varied(names))


def cache_key(exchange: Exchange) -> CacheKey:
    """The key of a request that is about to go upstream."""
    request, route, forward = exchange.request, exchange.route, exchange.forward
    headers: Headers = [] if forward is None else forward.headers
    target = b"" if forward is None else forward.target
    peer, token = request.peer, exchange.token
    resource = _digest(
        repr((route.path, route.where, route.host, route.methods, route.upstream_name)),
        repr((peer.scheme, request.host, peer.forwarded_host, request.target, target)),
    )
    shown = [header_values(headers, name) for name in (b"authorization", b"cookie")]
    caller = ANONYMOUS
    if token is not None or any(shown):
        # All that the upstream could tell him by. What differs from token to token of his is left out.
        facts = () if token is None else (
            token.issuer, token.client, token.subject, token.user, token.user_id, token.user_generation,
            token.scopes, token.audience, sorted(token.extra.items()), sorted(token.cnf.items()), token.grant,
        )  # fmt: skip
        caller = _digest(repr(facts), repr(shown))
    uri = uri_of(request.host, request.target)
    authorized = token is not None or bool(shown[0])
    return CacheKey(resource, caller, authorized, uri, (list(headers), request.headers))


def _digest(*parts: str) -> str:
    text = "\n".join(f"{len(part)} {part}" for part in parts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()


def request_control(request: RequestHead) -> Directives:
    """What the client asks of caches. RFC 9111 section 5.4: Pragma counts where there is no Cache-Control."""
    control = directives(request.headers)
    pragma = b",".join(request.values(b"pragma")).lower()
    return {"no-cache": None} if not control and b"no-cache" in pragma else control


def bypasses(request: RequestHead) -> bool:
    """Whether nothing that is stored is an answer to the request."""
    has_body = request.value(b"content-length") not in (None, b"0") or request.values(b"transfer-encoding")
    return bool(has_body or any(map(request.values, _BYPASSING)))


def of_upstream(exchange: Exchange, head: ResponseHead) -> Headers:
    """The response's headers without those that plugins add to each response anew."""
    added = list(exchange.added_response_headers)
    headers = []
    for item in head.headers:
        if item in added:
            added.remove(item)
        else:
            headers.append(item)
    return headers


def uri_of(host: str, target: bytes) -> str:
    """A target on a host, as one text."""
    return f"{host}{target.decode('latin-1')}"


def changed_uris(request: RequestHead, head: ResponseHead) -> Iterator[str]:
    """The URIs that an unsafe request may have changed, of its own host."""
    yield uri_of(request.host, request.target)
    base = f"{request.peer.scheme}://{request.host}{request.target.decode('latin-1')}"
    for name in (b"location", b"content-location"):
        for value in header_values(head.headers, name):
            try:
                found = urlsplit(urljoin(base, value.decode("latin-1")))
            except ValueError:
                continue
            if found.netloc.lower() == request.host:
                query = f"?{found.query}" if found.query else ""
                yield uri_of(request.host, f"{found.path}{query}".encode("latin-1", "replace"))
