"""Whether a request goes to the new version of an upstream. Pure."""

from __future__ import annotations

from hashlib import blake2b

from gateway.http.route import Canary

_ALWAYS = b"always"
_NEVER = b"never"


def goes_to_canary(canary: Canary, header: bytes | None, draw: float) -> bool:
    """Chooses for one request.

    Args:
        canary: the share.
        header: the value of the request's `canary.header`, if it has one.
        draw: from 0.0 up to 1.0: random, or `steady_draw` to keep a client on one side.
    """
    wish = None if header is None or canary.header is None else header.strip().lower()
    if wish == _ALWAYS:
        return True
    if wish == _NEVER:
        return False
    return draw * 100 < canary.percent


def steady_draw(key: bytes) -> float:
    """A number from 0.0 up to 1.0, the same for the same key: who is in at 5 percent stays in."""
    return int.from_bytes(blake2b(key, digest_size=6).digest(), "big") / 2**48
