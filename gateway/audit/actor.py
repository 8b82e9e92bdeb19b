"""Who acts: known at the edge, where somebody signs in or a command starts, and asked for where something
is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

GATEWAY = "gateway"
"""The gateway itself, where nobody asked it to."""

ANYBODY = "anybody"
"""Somebody at the portal who has not signed in."""

_ACTOR: ContextVar[str] = ContextVar("actor", default=GATEWAY)


def acts(actor: str) -> None:
    """From here on, until `acting` ends, `actor` is who acts."""
    _ACTOR.set(actor)


@contextmanager
def acting(actor: str) -> Iterator[None]:
    """Within, `actor` is who acts, unless `acts` says otherwise."""
    token = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(token)


def who_acts() -> str:
    """Who acts now."""
    return _ACTOR.get()
