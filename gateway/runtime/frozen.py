"""Frozen dataclasses that are made for each request.

Their `__init__` sets each field by a call of `object.__setattr__`, which takes ten times as long as setting
it. So what is made often is made open: as an object of a class with the same slots, which becomes one of the
frozen class when its fields are set.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any


def open_twin(frozen: type[Any]) -> Callable[[], Any] | None:
    """Makes objects with the slots of a frozen dataclass, all of them empty.

    Whoever makes one sets every field, and then its `__class__` to the frozen class. None: the class has no
    slots, as it is compiled (`gateway.runtime.edition`); `dataclasses.replace` makes its objects then.
    """
    if not hasattr(frozen, "__slots__"):
        return None
    twin = type(frozen.__name__, (), {"__slots__": frozen.__slots__})
    return partial(object.__new__, twin)
