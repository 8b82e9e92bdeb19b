"""Dataclasses whose methods share their code.

Up to Python 3.12 `dataclass` writes the source of six methods for each class, and compiles each by itself.
With some hundred classes that is a seventh of the time of a gateway's start, and 2 MiB in each worker. In the
context `shared_methods` five of them are closures over the names of the fields, and do the same. `__init__`,
which is called most, is compiled as ever.

Python 3.13 has other functions for this, and compiles the methods of a class together: there nothing changes.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import Field, FrozenInstanceError
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any

Fields = Sequence[Field[Any]]
Method = Callable[..., Any]

_COMPILING = vars(dataclasses)
"""The functions that make methods are no part of the module's interface; in 3.11 and 3.12 they are alike."""
_compare_otherwise: Method | None = _COMPILING.get("_cmp_fn")


@contextmanager
def shared_methods() -> Iterator[None]:
    """Dataclasses that are made while the context is open share their methods' code."""
    if sys.version_info >= (3, 13):
        yield
        return
    before = {name: _COMPILING[name] for name in _MAKERS}
    _COMPILING.update(_MAKERS)
    try:
        yield
    finally:
        _COMPILING.update(before)


def _values(names: Sequence[str]) -> Callable[[object], tuple[Any, ...]]:
    """What gives the values of these attributes."""
    if not names:
        return lambda _: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda self: (get(self),)


def _repr_method(fields: Fields, _: object) -> Method:
    names = [field.name for field in fields]

    @recursive_repr()
    def __repr__(self: object) -> str:  # noqa: N807 (its name in the class)
        shown = ", ".join([f"{name}={getattr(self, name)!r}" for name in names])
        return f"{self.__class__.__qualname__}({shown})"

    return __repr__


def _comparison(name: str, operator: str, own: str, other: str, globals: object) -> Method:  # noqa: A002 (its name there)
    """`own` is the text of a tuple, such as `(self.x,self.y,)`."""
    if operator != "==":
        assert _compare_otherwise is not None  # noqa: S101 (up to Python 3.12 it is there)
        return _compare_otherwise(name, operator, own, other, globals=globals)  # type: ignore[no-any-return]
    values = _values([each.removeprefix("self.") for each in own.strip("()").split(",") if each])

    def __eq__(self: object, other: object) -> Any:  # noqa: N807 (its name in the class)
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash_method(fields: Fields, _: object) -> Method:
    values = _values([field.name for field in fields])

    def __hash__(self: object) -> int:  # noqa: N807 (its name in the class)
        return hash(values(self))

    return __hash__


def _frozen_methods(_: type, fields: Fields, __: object) -> tuple[Method, Method]:
    """A class that is derived from a frozen one may have further attributes, which can be set."""
    names = frozenset(field.name for field in fields)

    def __setattr__(self: object, name: str, value: object) -> None:  # noqa: N807 (its name in the class)
        if name in names or vars(type(self)).get("__setattr__") is __setattr__:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, value)

    def __delattr__(self: object, name: str) -> None:  # noqa: N807 (its name in the class)
        if name in names or vars(type(self)).get("__delattr__") is __delattr__:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        object.__delattr__(self, name)

    return __setattr__, __delattr__


_MAKERS: dict[str, Callable[..., Any]] = {
    "_repr_fn": _repr_method,
    "_cmp_fn": _comparison,
    "_hash_fn": _hash_method,
    "_frozen_get_del_attr": _frozen_methods,
}
