"""Response heads as clients get them. What becomes of a simple head is rendered once, and cached with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway.http.cached_response_head import CachedResponseHead, RenderedHead
from gateway.http.exchange import Headers, ResponseHead
from gateway.http.forwarding_headers import RESPONSE_DROPS, client_head
from gateway.http.header_fields import render_header_lines
from gateway.http.response_framing import status_line
from gateway.proxy.head_only_hooks import Hook, apply_to_response

_DROPPED: Final = re.compile(
    rb"^(?:" + b"|".join(map(re.escape, sorted(RESPONSE_DROPS))) + rb"): [^\r\n]*\r\n",
    re.IGNORECASE | re.MULTILINE,
)


def render_cached(
    head: CachedResponseHead, hooks: Sequence[Hook], added: Headers, *, keep_alive: bool
) -> tuple[int, bytes]:
    """The status, and the head for a client that asked in HTTP/1.1, not with HEAD: the same bytes that
    `response_head` makes. `hooks` go by the head alone; `added` is what plugins add.
    """
    way = head.way
    if way is None or (way.hooks is not hooks and way.hooks != hooks):
        way = head.way = _render(head, hooks)
    end = way.end if keep_alive else _end(head.length, keep_alive=False)
    if len(added) == 1:
        # Most often there is one, the request's id.
        name, value = added[0]
        return way.status, b"".join((way.start, name, b": ", value, b"\r\n", end))
    return way.status, way.start + render_header_lines(added) + end


def _render(head: CachedResponseHead, hooks: Sequence[Hook]) -> RenderedHead:
    end = _end(head.length, keep_alive=True)
    if hooks:
        seen = _passing(head, hooks)
        return RenderedHead(hooks, seen.status, status_line(seen) + render_header_lines(seen.headers), end)
    # The Connection of a simple head names no other headers.
    return RenderedHead(hooks, head.status, status_line(head) + _DROPPED.sub(b"", head.lines), end)


def head_for_plugins(head: ResponseHead, hooks: Sequence[Hook], added: Headers) -> ResponseHead:
    """Any head as plugins see it, who may change it. `hooks` go by the head alone; `added` is what plugins
    add.
    """
    seen = (
        _passing(head, hooks)
        if isinstance(head, CachedResponseHead)
        else apply_to_response(hooks, client_head(head))
    )
    return ResponseHead(seen.status, seen.reason, seen.headers + added, seen.version)


def _passing(head: CachedResponseHead, hooks: Sequence[Hook]) -> ResponseHead:
    """The head as it goes to the client, before plugins add headers. Not to be changed."""
    passing = head.passing
    if passing is None or (passing[0] is not hooks and passing[0] != hooks):
        passing = head.passing = hooks, apply_to_response(hooks, client_head(head))
    return passing[1]


def render_changed(head: CachedResponseHead, seen: ResponseHead, *, keep_alive: bool) -> bytes:
    """What plugins have made of the head, for such a client. The framing is not theirs to change."""
    return status_line(seen) + render_header_lines(seen.headers) + _end(head.length, keep_alive=keep_alive)


def _end(length: int | None, *, keep_alive: bool) -> bytes:
    framing = b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length
    return b"%s\r\n%s\r\n" % (framing, b"" if keep_alive else b"Connection: close\r\n")
