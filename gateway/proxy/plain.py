"""Reading request heads of the plainest shape at once; any other is for the full parser.

A client sends the same header block again and again, with its token in it. What follows from the bytes of
a block alone is worked out once and remembered: it is the same for the same bytes, whoever sends them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from gateway.exchange import NOBODY, Header, Peer, RequestHead, header_values
from gateway.faults import Fault
from gateway.fields import read_fields
from gateway.oauth.bearer import Presented, Refusal
from gateway.proxy.arrival import check_framing, check_size, content_length, read_host
from gateway.proxy.pipeline import presented_token
from gateway.proxy.target import MAX_TARGET, path_segments

MAX_BLOCK = 2048
"""Bytes of a header block that is remembered: with the number of them a bound on memory."""
MAX_BLOCKS = 2048

_LINE = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[!-\"$-\[\]-~]*) HTTP/1\.1\r\n")
# Each of these asks for more than a plain exchange.
_SPECIAL = (b"expect", b"transfer-encoding", b"te", b"upgrade", b"trailer", b"max-forwards")
_OPTIONS = frozenset({b"keep-alive", b"close"})
_HTTP_1_1 = (1, 1)


@dataclass(slots=True)
class Block:
    """What a header block says, worked out once."""

    headers: tuple[Header, ...]
    host: str
    length: int
    """Bytes of the body that follows."""
    token: Presented | Refusal
    content_type: str | None
    authorization: tuple[bytes, ...]
    """All values of that header."""
    proofs: tuple[bytes, ...]
    """All values of the DPoP header."""
    last: bool
    """Whether the connection ends with the answer (RFC 9112 section 9.6)."""


@dataclass(slots=True)
class Plain:
    """A whole request of the plainest shape."""

    method: str
    target: bytes
    path: bytes
    query: bytes | None
    block: Block
    body: bytes = b""

    def head(self, peer: Peer) -> RequestHead:
        """The request's head.

        Raises:
            Fault: the path is ambiguous.
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


def read_plain(data: bytes) -> Plain | None:
    """The request that `data` is, if it is whole, plain, and nothing follows it."""
    end = data.find(b"\r\n\r\n") + 4
    plain = read_opening(data[:end])
    if plain is None or len(data) - end != plain.block.length:
        return None
    plain.body = data[end:]
    return plain


def read_opening(data: bytes) -> Plain | None:
    """The request that begins with `data`, its first lines up to the empty one, if it is plain."""
    line = _LINE.match(data)
    if line is None:
        return None
    start, end = line.end(), len(data) - 2
    # Nothing but an empty line behind the request line: no Host.
    if end <= start or end - start > MAX_BLOCK:
        return None
    block = read_block(data[start:end])
    method, target = line.groups()
    if block is None or len(target) > MAX_TARGET:
        return None
    path, mark, query = target.partition(b"?")
    return Plain(method.decode(), target, path, query if mark else None, block)


@lru_cache(maxsize=MAX_BLOCKS)
def read_block(data: bytes) -> Block | None:
    """What a header block says; None where it is not plain, or not sound: then the full parser judges."""
    fields = read_fields(data)
    if fields is None:
        return None
    headers = tuple(fields)
    options = {value.lower() for value in header_values(headers, b"connection")}
    if not options <= _OPTIONS or any(name.lower() in _SPECIAL for name, _ in headers):
        return None
    try:
        check_size(headers)
        host = read_host(headers, _HTTP_1_1, None)
        check_framing(headers, _HTTP_1_1)
    except Fault:
        return None
    head = RequestHead("GET", b"/", b"/", (), None, host, headers, NOBODY)
    return Block(
        headers,
        host,
        content_length(headers) or 0,
        presented_token(head),
        head.header("content-type"),
        head.values(b"authorization"),
        head.values(b"dpop"),
        b"close" in options,
    )
