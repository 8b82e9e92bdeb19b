"""Reads request heads of the simplest shape. All others are left to aiohttp's parser.

Clients send the same header block again and again. What follows from the bytes of a block alone is cached by
those bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.http.exchange import NOBODY, Header, Peer, RequestHead, header_values
from gateway.http.head_limits import DEFAULT_LIMITS, RequestHeadLimits
from gateway.http.header_fields import parse_header_lines
from gateway.http.problems import Problem
from gateway.http.request_head import check_framing, check_singletons, content_length, read_host
from gateway.http.request_target import path_segments
from gateway.oauth.bearer import AuthError, BearerCredentials
from gateway.proxy.access import bearer_credentials
from gateway.runtime.caches import MIB, cached_unchecked, register

MAX_BLOCK: Final = 2048
"""Bytes of a header block that is remembered."""
MAX_BLOCKS: Final = 2048
MOST_HEADERS: Final = 32
"""Headers of a simple request: many small ones take more memory than their bytes."""
_BLOCKS: Final = register(
    "request header blocks", __name__, entries=MAX_BLOCKS, key_bytes=MAX_BLOCK, total_bytes=24 * MIB
)

_LINE: Final = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[!-\"$-\[\]-~]*) HTTP/1\.1\r\n")
# Each of these asks for more than a simple exchange.
_SPECIAL: Final = (b"te", b"upgrade", b"trailer", b"max-forwards")
_EXPECTATIONS: Final[tuple[list[bytes], ...]] = ([], [b"100-continue"])
_ORIGIN_OR_CODING: Final = (b"origin", b"content-encoding")
_OPTIONS: Final = frozenset({b"keep-alive", b"close"})
_HTTP_1_1: Final = (1, 1)


@dataclass(slots=True)
class HeaderBlock:
    """What follows from a header block."""

    headers: tuple[Header, ...]
    host: str
    length: int | None
    """Bytes of the body that follows; None: it is chunked."""
    token: BearerCredentials | AuthError
    content_type: str | None
    authorization: tuple[bytes, ...]
    """All values of that header."""
    proofs: tuple[bytes, ...]
    """All values of the DPoP header."""
    origin_or_coding: bool
    """Whether a web page sent it (Origin), or its body is coded (Content-Encoding)."""
    size: int
    """Bytes of all header names and values."""
    last: bool
    """Whether the connection ends with the answer (RFC 9112 section 9.6)."""
    expects: bool
    """Whether it says `Expect: 100-continue`."""

    def with_proof(self, value: bytes) -> HeaderBlock:
        """The same with another value in its one DPoP header."""
        headers, before = self.headers, self.proofs[0]
        at = [name.lower() for name, _ in headers].index(b"dpop")
        return HeaderBlock(
            (*headers[:at], (headers[at][0], value), *headers[at + 1 :]),
            self.host,
            self.length,
            self.token,
            self.content_type,
            self.authorization,
            (value,),
            self.origin_or_coding,
            self.size + len(value) - len(before),
            self.last,
            self.expects,
        )


@dataclass(slots=True)
class SimpleRequest:
    """A request of the simplest shape."""

    method: str
    target: bytes
    path: bytes
    query: bytes | None
    block: HeaderBlock
    body: bytes = b""
    missing: int = 0
    """Bytes of the body that have not come."""

    def head(self, peer: Peer) -> RequestHead:
        """The request's head.

        Raises:
            Problem: the path is ambiguous.
        """
        block = self.block
        return RequestHead(
            self.method,
            self.target,
            self.path,
            path_segments(self.path),
            self.query,
            block.host,
            block.headers,
            peer,
            _HTTP_1_1,
        )


def parse_simple_request(data: bytes, limits: RequestHeadLimits = DEFAULT_LIMITS) -> SimpleRequest | None:
    """The request that `data` is, if it is simple, not chunked, and nothing follows it. All of its head must
    be there; of its body a part will do.
    """
    end = data.find(b"\r\n\r\n") + 4
    plain = parse_simple_head(data[:end], limits)
    if plain is None or plain.block.length is None:
        return None
    plain.body = data[end:]
    plain.missing = plain.block.length - len(plain.body)
    return plain if plain.missing >= 0 else None


def parse_simple_head(data: bytes, limits: RequestHeadLimits = DEFAULT_LIMITS) -> SimpleRequest | None:
    """The request that begins with `data`, up to the empty line, if it is simple."""
    line = _LINE.match(data)
    if line is None:
        return None
    start, end = line.end(), len(data) - 2
    # Nothing but an empty line behind the request line: no Host.
    if end <= start or end - start > MAX_BLOCK:
        return None
    block = parse_header_block(data[start:end])
    method, target = line.groups()
    if (
        block is None
        or len(target) > limits.target
        or len(block.headers) > limits.headers
        or block.size > limits.head
    ):
        return None
    path, mark, query = target.partition(b"?")
    return SimpleRequest(method.decode(), target, path, query if mark else None, block)


@cached_unchecked(_BLOCKS)
def parse_header_block(data: bytes) -> HeaderBlock | None:
    """What a header block says. None: it is not simple, or malformed: aiohttp's parser decides."""
    fields = parse_header_lines(data)
    if fields is None or len(fields) > MOST_HEADERS:
        return None
    headers = tuple(fields)
    options = {value.lower() for value in header_values(headers, b"connection")}
    expectations = [value.lower() for value in header_values(headers, b"expect")]
    if not options <= _OPTIONS or expectations not in _EXPECTATIONS:
        return None
    if any(name.lower() in _SPECIAL for name, _ in headers):
        return None
    try:
        host = read_host(headers, _HTTP_1_1, None)
        check_framing(headers, _HTTP_1_1)
        check_singletons(headers)
    except Problem:
        return None
    head = RequestHead("GET", b"/", b"/", (), None, host, headers, NOBODY)
    return HeaderBlock(
        headers,
        host,
        None if header_values(headers, b"transfer-encoding") else content_length(headers) or 0,
        bearer_credentials(head),
        head.header("content-type"),
        head.values(b"authorization"),
        head.values(b"dpop"),
        any(name.lower() in _ORIGIN_OR_CODING for name, _ in headers),
        sum(len(name) + len(value) for name, value in headers),
        b"close" in options,
        bool(expectations),
    )
