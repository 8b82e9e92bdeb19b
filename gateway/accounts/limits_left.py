"""What a client has left of a limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.oauth.model import Client


@dataclass(frozen=True, slots=True)
class LimitLeft:
    """What a client has left of one limit."""

    route: str
    """Empty: it counts the calls of all routes together."""
    methods: tuple[str, ...]
    """Empty: all."""
    name: str
    """As in the `RateLimit` headers."""
    limit: int
    seconds: int
    """The length of its window, rounded up."""
    left: int
    ends: int | None
    """When a fixed period ends, in seconds since the epoch; None: the window slides."""


ReadLimits = Callable[[Client], Awaitable[Sequence[LimitLeft]]]
"""What a client has left of the limits that apply to it. Raises StoreUnavailable."""
