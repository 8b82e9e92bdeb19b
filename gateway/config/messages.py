"""Turns pydantic errors into messages. They never contain the invalid value, which may be a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

from gateway.config.problems import suggest
from gateway.config.tree import Leaf, ListNode, Node, leaves

_QUOTED = re.compile(r"'([^']*+)'")
MISSING = "missing"
UNKNOWN = "extra_forbidden"
EXPECTED_TYPES: Mapping[str, str] = {
    "string_type": "a string",
    "path_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_attributes_type": "a mapping",
}
LIMITS: Mapping[str, str] = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "string_unicode": "must be valid Unicode",
    MISSING: "is missing",
}
HIDDEN = "is not valid (it comes from the environment, and is not shown)"


def describe(error: ErrorDetails, node: Node, keys: list[str]) -> str:
    """The message for a pydantic error. `keys`: the valid keys at this place, for suggestions."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == UNKNOWN:
        return "unknown key" + suggest(error["loc"][-1], keys)
    if kind in EXPECTED_TYPES:
        return _wrong_type(EXPECTED_TYPES[kind], node)
    if kind in LIMITS:
        return _out_of_range(kind, context)
    if kind in ("literal_error", "enum"):
        return _not_one_of(context, node)
    return _hide_secrets(_validator_message(error, context), node)


def _out_of_range(kind: str, context: Mapping[str, Any]) -> str:
    if context.get("min_length") == 1:
        return "must not be empty"
    return LIMITS[kind].format(**context)


def _wrong_type(expected: str, node: Node) -> str:
    actual = _kind(node)
    quotes = (
        ": write it in quotes"
        if expected == "a string" and isinstance(node, Leaf) and node.value is not None
        else ""
    )
    if actual == expected:
        return f"must be {expected}"
    return f"must be {expected}, not {actual}{quotes}"


def _kind(node: Node) -> str:
    if not isinstance(node, Leaf):
        return "a list" if isinstance(node, ListNode) else "a mapping"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, str):
        return "a string"
    return "a boolean" if isinstance(node.value, bool) else "a number"


def _not_one_of(context: Mapping[str, Any], node: Node) -> str:
    expected = str(context.get("expected", ""))
    names = _QUOTED.findall(expected)
    written = node.value if isinstance(node, Leaf) else None
    return f"must be {expected.replace(chr(39), '')}" + suggest(written, names)


def _validator_message(error: ErrorDetails, context: Mapping[str, Any]) -> str:
    """The message of a validator in the model, or pydantic's own for rare error types."""
    if error["type"] in ("value_error", "assertion_error"):
        return str(context.get("error", "")) or "is not valid"
    return error["msg"].replace("Input should", "must").replace("Value should", "must")


def _hide_secrets(text: str, node: Node) -> str:
    """Hides messages of plugin validators that contain a value from the environment."""
    hidden = (leaf.value for leaf in leaves(node) if leaf.from_environment)
    if any(isinstance(value, str) and value and value in text for value in hidden):
        return HIDDEN
    return " ".join(text.split())
