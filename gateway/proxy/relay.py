"""Answers on their way to the caller: what becomes of plain heads is worked out once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.exchange import Headers, ResponseHead
from gateway.fields import field_lines
from gateway.plain_head import PlainHead, Way
from gateway.proxy.by_head import Hook, shaped_answer
from gateway.proxy.framing import status_line
from gateway.proxy.headers import RESPONSE_DROPS, passing_head

_DROPPED = re.compile(
    rb"^(?:" + b"|".join(map(re.escape, sorted(RESPONSE_DROPS))) + rb"): [^\r\n]*\r\n",
    re.IGNORECASE | re.MULTILINE,
)


def relayed(head: PlainHead, hooks: Sequence[Hook], added: Headers, *, keep_alive: bool) -> tuple[int, bytes]:
    """The status, and the head for a caller who asked in HTTP/1.1, not with HEAD: the same bytes that
    `answer_head` makes. `hooks` go by the head alone; `added` is what plugins add.
    """
    way = head.way
    if way is None or (way.hooks is not hooks and way.hooks != hooks):
        way = head.way = _way(head, hooks)
    end = way.end if keep_alive else _end(head.length, keep_alive=False)
    if len(added) == 1:
        # Most often there is one, the request's id.
        return way.status, way.start + b"%s: %s\r\n" % added[0] + end
    return way.status, way.start + field_lines(added) + end


def _way(head: PlainHead, hooks: Sequence[Hook]) -> Way:
    end = _end(head.length, keep_alive=True)
    if hooks:
        seen = _passing(head, hooks)
        return Way(hooks, seen.status, status_line(seen) + field_lines(seen.headers), end)
    # The Connection of a plain head names no other headers.
    return Way(hooks, head.status, status_line(head) + _DROPPED.sub(b"", head.lines), end)


def shown(head: ResponseHead, hooks: Sequence[Hook], added: Headers) -> ResponseHead:
    """Any head as plugins see it, who may change it. `hooks` go by the head alone; `added` is what plugins
    add.
    """
    seen = _passing(head, hooks) if isinstance(head, PlainHead) else shaped_answer(hooks, passing_head(head))
    return ResponseHead(seen.status, seen.reason, seen.headers + added, seen.version)


def _passing(head: PlainHead, hooks: Sequence[Hook]) -> ResponseHead:
    """The head as it goes to the caller, before plugins add headers. Not to be changed."""
    passing = head.passing
    if passing is None or (passing[0] is not hooks and passing[0] != hooks):
        passing = head.passing = hooks, shaped_answer(hooks, passing_head(head))
    return passing[1]


def changed(head: PlainHead, seen: ResponseHead, *, keep_alive: bool) -> bytes:
    """What plugins have made of the head, for such a caller. How long the body is they don't say."""
    return status_line(seen) + field_lines(seen.headers) + _end(head.length, keep_alive=keep_alive)


def _end(length: int, *, keep_alive: bool) -> bytes:
    return b"Content-Length: %d\r\n%s\r\n" % (length, b"" if keep_alive else b"Connection: close\r\n")
