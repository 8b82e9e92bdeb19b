"""What follows from a proxy's question and the configuration alone, cached by the bytes of its head.

As of proxied requests (`gateway.proxy.request_cache`), whether the request may pass is never cached.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gateway.http.asking_proxies import AskingProxies
from gateway.http.described_request import check_overrides
from gateway.http.exchange import NOBODY, Header, Peer, RequestHead
from gateway.http.grpc_status import is_grpc
from gateway.http.head_limits import DEFAULT_LIMITS, RequestHeadLimits
from gateway.http.route import HEADER, Route
from gateway.oauth.bearer import AuthError, BearerCredentials
from gateway.proxy.request_tokens import presented_credentials
from gateway.proxy.route_table import RouteTable
from gateway.proxy.simple_request import SimpleRequest, parse_simple_head
from gateway.proxy.verification import read_question
from gateway.runtime.caches import MIB, cached_unchecked, register

MAX_QUESTION = 2048
"""Bytes of a head that is cached."""
_QUESTIONS = register(
    "heads of forward authentication", __name__, entries=1024, key_bytes=MAX_QUESTION, total_bytes=24 * MIB
)
_TEMPLATES = register(
    "heads of forward authentication without token and address",
    __name__,
    entries=1024,
    key_bytes=MAX_QUESTION,
    total_bytes=24 * MIB,
)
_AUTHORIZATION, _FORWARDED_FOR = b"authorization", b"x-forwarded-for"
# RFC 6750 section 2.1 and addresses, as nearly all write them. Wherever it matches, the line is valid.
_VARYING = re.compile(
    rb"\n(?:(?i:authorization: bearer) ([A-Za-z0-9\-._~+/]+=*)|(?i:x-forwarded-for): ([0-9a-f.:, ]*[0-9a-f]))"
    rb"(?=\r\n)"
)
_ANY = b"x"
"""Stands for them in the template that questions about different clients share."""


@dataclass(slots=True)
class CachedQuestion:
    """A proxy's question in a request of the simplest shape."""

    headers: tuple[Header, ...]
    """Those of the question."""
    length: int
    """Bytes of the body that follows it."""
    last: bool
    """Whether the connection ends with the answer."""
    head: RequestHead
    """The request that is asked about, with the peer that sent it last."""
    scheme: str | None
    route: Route
    credentials: BearerCredentials | AuthError
    varying: int
    """How many headers with a token or an address it has."""
    asked_by: Peer | None = None
    """The other end of the connection on which it was asked last."""

    def request_from(self, connection: Peer, proxies: AskingProxies) -> RequestHead | None:
        """The request that is asked about on this connection; None: whoever holds it may not ask."""
        if connection is not self.asked_by:
            peer = proxies.peer(connection, self.headers)
            if peer is None:
                return None
            self.head = seen_by(self.head, peer, self.scheme)
            self.asked_by = connection
        return self.head

    def with_values(self, values: Mapping[bytes, bytes]) -> CachedQuestion:
        """The same question with other values of these headers, each of which it has once."""
        headers = _changed(self.headers, values)
        request = self.head.with_headers(_changed(self.head.headers, values), NOBODY)
        token = values.get(_AUTHORIZATION)
        if token is None or self.route.token_sources is not None:
            credentials = presented_credentials(request, self.route)
        else:
            credentials = BearerCredentials(token.partition(b" ")[2].decode(), dpop=False)
        return CachedQuestion(
            headers, self.length, self.last, request, self.scheme, self.route, credentials, self.varying
        )


def _changed(headers: tuple[Header, ...], values: Mapping[bytes, bytes]) -> tuple[Header, ...]:
    return tuple(
        [(item[0], values[lower]) if (lower := item[0].lower()) in values else item for item in headers]
    )


def seen_by(request: RequestHead, peer: Peer, scheme: str | None) -> RequestHead:
    """The request with the client that has sent it to the proxy, and by which scheme."""
    if scheme is not None and scheme != peer.scheme:
        peer = replace(peer, scheme=scheme)
    return request.with_headers(request.headers, peer)


def question_reader(
    routes: RouteTable,
    prefixes: tuple[bytes, ...],
    limits: RequestHeadLimits = DEFAULT_LIMITS,
) -> Callable[[bytes], CachedQuestion | None]:
    """Reads heads of questions. None: it is not simple, or the request is refused before it is judged."""

    def read(data: bytes) -> CachedQuestion | None:
        plain = parse_simple_head(data, limits)
        if plain is None:
            return None
        try:
            return _read(plain, routes, prefixes, limits)
        except Exception:  # whatever it is, it is raised again, and answered, on the way through aiohttp
            return None

    templates = cached_unchecked(_TEMPLATES)(read)

    def read_template(data: bytes) -> CachedQuestion | None:
        """The heads of many questions differ in the token and the address alone."""
        template, values = _template(data)
        cached = templates(template) if values else None
        if cached is None or cached.varying != len(values):
            return read(data)
        found = cached.with_values(values)
        # The limits hold for each question: `read` has not seen this token.
        size = sum([len(name) + len(value) for name, value in found.headers])
        return found if size <= limits.head else None

    by_address = (HEADER, "x-forwarded-for") in routes.condition_names
    cached_read = cached_unchecked(_QUESTIONS)(read if by_address else read_template)
    return lambda data: cached_read(data) if len(data) <= MAX_QUESTION else read(data)


def _template(data: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """The head with its token and address replaced, and the headers' values; none where one is repeated."""
    values: dict[bytes, bytes] = {}
    parts, place = list[bytes](), 0
    for found in _VARYING.finditer(data):
        group = found.lastindex or 0
        name = _AUTHORIZATION if group == 1 else _FORWARDED_FOR
        if name in values:
            return data, {}
        start, end = found.span(group)
        line = found[0]
        values[name] = line[line.index(b": ") + 2 :]
        parts += data[place:start], _ANY
        place = end
    return b"".join([*parts, data[place:]]), values


def _read(
    plain: SimpleRequest, routes: RouteTable, prefixes: tuple[bytes, ...], limits: RequestHeadLimits
) -> CachedQuestion | None:
    question = read_question(plain.head(NOBODY), NOBODY, prefixes, limits)
    request = question.request
    # Preflights and calls of gRPC go through aiohttp. So does what has an answer without a body to a question
    # that wants one.
    if request.method == "OPTIONS" or is_grpc(request.headers):
        return None
    if (request.method == "HEAD") is not (plain.method == "HEAD"):
        return None
    route = routes.match(request)
    check_overrides(request, route)
    block = plain.block
    if block.length is None or block.expects:
        return None
    varying = sum(name.lower() in (_AUTHORIZATION, _FORWARDED_FOR) for name, _ in block.headers)
    credentials = presented_credentials(request, route)
    return CachedQuestion(
        block.headers, block.length, block.last, request, question.scheme, route, credentials, varying
    )
