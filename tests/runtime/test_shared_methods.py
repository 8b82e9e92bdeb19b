"""Classes that are made in the context do what they do without it."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any

import pytest

from gateway.runtime.shared_methods import shared_methods


def kinds() -> dict[str, type[Any]]:
    """Classes of all kinds, made anew."""

    @dataclass(frozen=True, slots=True)
    class Many:
        x: int
        y: str = "y"
        z: tuple[int, ...] = field(default=(), repr=False, compare=False)

    @dataclass(frozen=True)
    class One:
        x: int
        y: int = field(default=2, init=False, compare=False)

    @dataclass(frozen=True, slots=True)
    class Derived(Many):
        w: float = 0.5

    class Plain(One):
        """No dataclass itself."""

    @dataclass
    class Open:
        x: int
        others: list[Any] = field(default_factory=list)

    @dataclass(order=True)
    class Ordered:
        x: int
        y: int = 1

    @dataclass(frozen=True, eq=False)
    class Identity:
        x: int

    @dataclass(frozen=True)
    class Own:
        x: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

        def __hash__(self) -> int:
            return 7

    @dataclass(frozen=True)
    class Error(Exception):
        x: int

    found = (Many, One, Derived, Plain, Open, Ordered, Identity, Own, Error)
    return {one.__name__: one for one in found}


with shared_methods():
    SHARED = kinds()
COMPILED = kinds()
NAMES = list(COMPILED)


def outcome(action: Callable[[], object]) -> object:
    """What comes of it: a value, or an error with its text."""
    try:
        return action()
    except Exception as error:
        return type(error).__name__, str(error)


def seen(cls: type[Any]) -> Iterator[object]:
    """All that can be seen of objects of a class."""
    one, same, other = cls(1), cls(1), cls(2)
    yield repr(one).replace("<locals>.", "")
    yield one == same, one == other, one != same, one == (1,), one.__eq__((1,))
    yield outcome(lambda: hash(one) == hash(same)), outcome(lambda: len({one, same, other}))
    yield outcome(lambda: one < other), outcome(lambda: sorted([other, one]) == [one, other])
    yield outcome(lambda: setattr(one, "x", 1)), one.x
    yield outcome(lambda: delattr(one, "x")), hasattr(one, "x")
    # With slots the error is another one: Python's own has the class before it had them.
    yield outcome(lambda: setattr(one, "unknown", 1)) is None, getattr(one, "unknown", None)
    yield outcome(lambda: delattr(one, "unknown")) is None, hasattr(one, "unknown")
    yield replace(same, x=3).x, *(outcome(lambda by=by: by(same).x) for by in (copy.copy, copy.deepcopy))
    yield [each.name for each in fields(cls)], cls.__match_args__, cls.__eq__.__name__
    yield {name: vars(cls)[name].__qualname__ for name in ("__eq__", "__repr__") if name in vars(cls)}


@pytest.mark.parametrize("name", NAMES)
def test_a_class_made_in_the_context_is_as_any_other(name: str) -> None:
    assert list(seen(SHARED[name])) == list(seen(COMPILED[name]))


def test_what_is_frozen_names_the_field_that_can_not_be_set() -> None:
    one = SHARED["Many"](1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        one.x = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'y'"):
        del one.y
    assert (one.x, one.y) == (1, "y")


def test_hashes_are_those_of_the_compared_values() -> None:
    assert hash(SHARED["Many"](1, "a", (2,))) == hash((1, "a"))
    assert hash(SHARED["One"](1)) == hash((1,))


def test_what_holds_itself_can_be_shown() -> None:
    one = SHARED["Open"](1)
    one.others.append(one)
    assert repr(one).endswith("Open(x=1, others=[...])")


@pytest.mark.parametrize("context", [shared_methods, nullcontext])
def test_a_class_without_fields_is_equal_to_itself(context: Callable[[], Any]) -> None:
    with context():

        @dataclass(frozen=True)
        class Nothing:
            pass

    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(())
    assert repr(Nothing()).endswith("Nothing()")


def test_only_in_the_context_is_code_shared() -> None:
    def shared(kinds: dict[str, type[Any]]) -> bool:
        return kinds["Many"].__eq__.__code__ is kinds["One"].__eq__.__code__

    assert shared(SHARED) == (sys.version_info < (3, 13))
    assert not shared(COMPILED)


def test_an_error_ends_the_context_too() -> None:
    with pytest.raises(ValueError, match="a failure"), shared_methods():
        raise ValueError("a failure")
    again = kinds()
    assert again["Many"].__eq__.__code__ is not again["One"].__eq__.__code__
