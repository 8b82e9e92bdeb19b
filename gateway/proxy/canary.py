"""Whether a request goes to the new version of an upstream. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

_ALWAYS = b"always"
_NEVER = b"never"


@dataclass(slots=True, frozen=True, eq=False)
class Canary:
    """A share of a route's requests goes to another upstream."""

    route: Any
    """The same route (`gateway.proxy.routes.Route`), but with the other upstream."""
    percent: float
    """0 to 100."""
    header: bytes | None = None
    """The name, in lower case, of a request header that decides for itself: `always` or `never`."""


def goes_to_canary(canary: Canary, header: bytes | None, draw: float) -> bool:
    """Chooses for one request.

    Args:
        canary: the share.
        header: the value of the request's `canary.header`, if it has one.
        draw: from 0.0 up to 1.0: random, or `steady_draw` to keep a caller on one side.
    """
    wish = None if header is None or canary.header is None else header.strip().lower()
    if wish == _ALWAYS:
        return True
    if wish == _NEVER:
        return False
    return draw * 100 < canary.percent


def steady_draw(key: bytes) -> float:
    """A number from 0.0 up to 1.0, the same for the same key: who is in at 5 percent stays in at 10."""
    return int.from_bytes(blake2b(key, digest_size=6).digest(), "big") / 2**48
