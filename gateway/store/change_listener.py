"""Whoever wants to know of changes to the records of clients, applications and accounts."""

from __future__ import annotations

from collections.abc import Callable

Heard = Callable[[str, str, object | None, object | None], None]
"""An action such as `client.update`, the record's id, and the record before and after; None: no record."""


def nobody(_action: str, _target: str, _before: object | None, _after: object | None) -> None:
    """Nobody listens."""


class ChangeListener:
    """Hears of each change once the store has made it."""

    __slots__ = ("heard",)

    def __init__(self) -> None:
        self.heard: Heard = nobody
