"""What was seen of an operation, as a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Kind = Literal["server", "client", "internal"]
Attributes = Mapping[str, str | int | float | bool]


class Span(NamedTuple):
    """One operation of a trace. Ids are in lower case hexadecimal, times in seconds since the epoch."""

    name: str
    kind: Kind
    trace_id: str
    span_id: str
    parent_id: str
    """Empty: it begins the trace."""
    start: float
    end: float
    attributes: Attributes
    error: str | None = None
    """Why it failed, in words that may be empty; None: it did not."""
    remote_parent: bool = False
    """Whether the parent is the caller's."""
    trace_state: str = ""
