"""Heads of requests and responses whose body is another than the one that came."""

from __future__ import annotations

from dataclasses import replace

from gateway.http.exchange import Headers, RequestHead, ResponseHead

# They delimit the body as it came, or describe its bytes.
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"trailer", b"expect"})
_DIGESTS = frozenset({b"content-digest", b"repr-digest", b"digest", b"content-md5"})


def request_with_body(request: RequestHead, content: bytes, *, changed: bool) -> RequestHead:
    """The request with this body, whole and with its length."""
    had_body = any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in request.headers)
    headers = _with_length(request.headers, content, declare=had_body or bool(content), changed=changed)
    return replace(request, headers=tuple(headers))


def response_with_body(head: ResponseHead, content: bytes, *, changed: bool) -> ResponseHead:
    """The response's head for this body. A changed one is no longer what a strong ETag stands for."""
    headers = _with_length(head.headers, content, declare=True, changed=changed)
    if changed:
        headers = [_weakened(name, value) for name, value in headers]
    return ResponseHead(head.status, head.reason, headers, head.version)


def mark_filtered(head: ResponseHead) -> None:
    """Changes the head for a body that is changed while it streams: its length, digests and parts are not
    those that the upstream knows.
    """
    removed = _DIGESTS | {b"content-length", b"accept-ranges"}
    head.headers = [_weakened(name, value) for name, value in head.headers if name.lower() not in removed]


def without_digests(trailers: Headers) -> Headers:
    """Trailers that can stand behind a changed body."""
    return [(name, value) for name, value in trailers if name.lower() not in _DIGESTS]


def _with_length(
    headers: Headers | tuple[tuple[bytes, bytes], ...], content: bytes, *, declare: bool, changed: bool
) -> Headers:
    removed = _FRAMING | _DIGESTS if changed else _FRAMING
    kept = [(name, value) for name, value in headers if name.lower() not in removed]
    return [*kept, (b"Content-Length", b"%d" % len(content))] if declare else kept


def _weakened(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """RFC 9110 section 8.8.1: a validator is weak where it may stand for other bytes."""
    weak = name.lower() == b"etag" and not value.startswith(b"W/")
    return (name, b"W/" + value) if weak else (name, value)
