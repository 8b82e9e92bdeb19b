"""YAML 1.1 scalars as PyYAML interprets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from yaml import ScalarEvent, ScalarNode
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from gateway.config.tree import LeafValue

PREFIX = "tag:yaml.org,2002:"
MAX_NUMBER_LENGTH = 64
"""Longer scalars are strings: parsing an int takes quadratic time."""
_RESOLVE: Callable[..., str] = Resolver().resolve
_CONSTRUCTOR = SafeConstructor()
_READERS: Mapping[str, Callable[[ScalarNode], LeafValue]] = {
    "int": _CONSTRUCTOR.construct_yaml_int,
    "float": _CONSTRUCTOR.construct_yaml_float,
    "bool": _CONSTRUCTOR.construct_yaml_bool,
    "null": _CONSTRUCTOR.construct_yaml_null,
}
# No key takes a date or `=`: both stay strings.
_TEXT = frozenset({"str", "timestamp", "value", "merge"})


def is_merge(event: ScalarEvent) -> bool:
    """Whether a key is the YAML merge key `<<`."""
    return event.value == "<<" and event.tag is None and event.implicit[0]


def scalar_value(event: ScalarEvent) -> LeafValue:
    """The value of a scalar.

    Raises:
        ValueError: its tag is unknown or does not match the value.
    """
    kind = _kind(event)
    if kind in _TEXT:
        return str(event.value)
    reader = _READERS.get(kind)
    if reader is None:
        raise ValueError("this YAML tag is not supported")
    try:
        return reader(ScalarNode(PREFIX + kind, event.value))
    except (ValueError, KeyError, IndexError):
        raise ValueError(f"is not a YAML {kind}") from None


def _kind(event: ScalarEvent) -> str:
    if event.tag == "!" or (event.tag is None and len(event.value) > MAX_NUMBER_LENGTH):
        return "str"
    tag: str = event.tag or _RESOLVE(ScalarNode, event.value, event.implicit)
    return tag.removeprefix(PREFIX)
