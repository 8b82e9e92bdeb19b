"""How large the head of a message may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RequestHeadLimits:
    """Limits of a request's head. Both ways through the gateway apply the same."""

    head: int = 32_768
    """Bytes of all header names and values; more is 431."""
    headers: int = 100
    """Headers; more are 431."""
    target: int = 8190
    """Bytes of the request target; more is 414 (RFC 9112 section 3 asks for at least 8000)."""


DEFAULT_LIMITS: Final = RequestHeadLimits()
