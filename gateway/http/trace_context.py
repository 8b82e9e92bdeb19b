"""The `traceparent` header: which trace a request belongs to, and whether it is recorded.

https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

# W3C Trace Context section 3.2: version, trace-id, parent-id and flags; later versions may have more behind.
_TRACEPARENT: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")

SAMPLED: Final = 0x01
"""Section 3.2.2.5.1: the caller may have recorded the trace."""
RANDOM: Final = 0x02
"""Trace Context Level 2: the trace id is random, so that its last 7 bytes can be sampled by."""
MAX_TRACESTATE: Final = 512
"""Bytes. Longer tracestate may be dropped (section 3.3.1.5)."""


class TraceParent(NamedTuple):
    """A valid `traceparent`. Ids are in lower case hexadecimal."""

    trace_id: str
    parent_id: str
    flags: int

    @property
    def sampled(self) -> bool:
        """Whether the caller may have recorded it."""
        return bool(self.flags & SAMPLED)


def read_traceparent(values: Sequence[bytes]) -> TraceParent | None:
    """The one valid `traceparent` (section 3.2.2); None: there is none, or there are several."""
    match = _TRACEPARENT.match(values[0]) if len(values) == 1 else None
    if match is None:
        return None
    version, trace_id, parent_id, flags, more = match.groups()
    if version == b"ff" or (version == b"00" and more is not None):
        return None
    if not trace_id.strip(b"0") or not parent_id.strip(b"0"):
        return None
    return TraceParent(trace_id.decode(), parent_id.decode(), int(flags, 16))


def format_traceparent(trace_id: str, span_id: str, flags: int) -> str:
    """The header's value, in version 00."""
    return f"00-{trace_id}-{span_id}-{flags:02x}"
