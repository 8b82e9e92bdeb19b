"""Where Gatepost sends a request upstream that another proxy refuses or sends in another form, and why.

Each entry stands in `docs/pages/reference/http-conformance.md` with its reason, and is met by a
request of the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.exactness.opinions import Forwarded, Opinion


@dataclass(frozen=True, slots=True)
class Difference:
    """One reason to differ."""

    name: str
    peer: str
    example: str
    """A request of the table that meets it."""
    applies: Callable[[bytes, Opinion, Opinion], bool]


def _one(opinion: Opinion) -> Forwarded | None:
    return opinion.forwarded[0] if len(opinion.forwarded) == 1 else None


def _keeps_absolute_form(_: bytes, ours: Opinion, other: Opinion) -> bool:
    mine, theirs = _one(ours), _one(other)
    if mine is None or theirs is None:
        return False
    return re.sub(r"(?i)^https?://[^/?]*", "", theirs.target) in (mine.target, mine.target.removeprefix("/"))


def _keeps_the_host_header(data: bytes, ours: Opinion, other: Opinion) -> bool:
    mine, theirs = _one(ours), _one(other)
    if mine is None or theirs is None or not re.match(rb"\s*[A-Z]+ http", data, re.IGNORECASE):
        return False
    return replace(mine, host=theirs.host) == theirs


def _refuses_two_hosts(data: bytes, ours: Opinion, other: Opinion) -> bool:
    absolute = re.match(rb"(?i)\s*[A-Z]+ https?://([^/? ]*)", data)
    header = re.search(rb"(?i)\r\nhost:[ \t]*([^\r]*?)[ \t]*\r\n", data)
    return (
        other.status == 400
        and not other.forwarded
        and absolute is not None
        and (header is None or absolute[1].lower() != header[1].lower())
    )


def _refuses_an_underscore(data: bytes, ours: Opinion, other: Opinion) -> bool:
    absolute = re.match(rb"(?i)\s*[A-Z]+ https?://[^/? ]*_", data)
    return other.status == 400 and not other.forwarded and absolute is not None


DIFFERENCES = [
    Difference("absolute-form is sent on", "haproxy", "absolute-form", _keeps_absolute_form),
    Difference(
        "a Host unlike the absolute target's is refused",
        "haproxy",
        "absolute-form with another host",
        _refuses_two_hosts,
    ),
    Difference(
        "an underscore in an absolute target's host is refused",
        "nginx",
        "absolute-form with an underscore",
        _refuses_an_underscore,
    ),
    Difference(
        "the Host header wins over an absolute target",
        "nginx",
        "absolute-form with another host",
        _keeps_the_host_header,
    ),
]


def explained(data: bytes, peer: str, ours: Opinion, other: Opinion) -> Difference | None:
    """The reason to differ from a peer on a request; None where there is none."""
    return next(
        (known for known in DIFFERENCES if known.peer == peer and known.applies(data, ours, other)), None
    )
