"""Durations and sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_DURATION = 10 * 366 * 86400
"""Ten years in seconds. Longer durations are taken for a typo."""

SIZE = re.compile(r"([0-9]{1,15})([kmg]?)", re.IGNORECASE)
BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
MAX_SIZE = 1024**4


def parse_duration(value: object) -> float:
    """Parses a duration into seconds: a number, or a string such as `250ms`, `90s`, `10m`, `1h`, `7d`.

    Raises:
        ValueError: it is malformed or out of range.
    """
    seconds = _number(value) if not isinstance(value, str) else _with_unit(value)
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        raise ValueError("must be a duration: seconds, or a string such as 90s, 10m, 1h or 7d")
    if seconds > MAX_DURATION:
        raise ValueError("must be at most 3660d")
    return seconds


def parse_size(value: object) -> int:
    """Parses a size into bytes: an integer, or a string such as `512k`, `10m`, `1g` (powers of 1024).

    Raises:
        ValueError: it is malformed or out of range.
    """
    match = SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        size = int(match[1]) * BYTES[match[2].lower()]
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        raise ValueError("must be a size: bytes, or a string such as 512k, 10m or 1g")
    if not 1 <= size <= MAX_SIZE:
        raise ValueError("must be from 1 byte to 1024g")
    return size


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Larger ints may not fit into a float.
    return float(max(-1, min(value, MAX_DURATION + 1)))


def _with_unit(value: str) -> float | None:
    match = DURATION.fullmatch(value) if len(value) <= 32 else None  # noqa: PLR2004 (no valid duration is longer)
    return None if match is None else round(float(match[1]) * SECONDS[match[2] or "s"], 6)


def _at_least(minimum: float, text: str) -> Callable[[object], float]:
    def parse(value: object) -> float:
        seconds = parse_duration(value)
        if seconds < minimum:
            raise ValueError(text)
        return seconds

    return parse


def _whole(minimum: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        seconds = parse_duration(value)
        if not seconds.is_integer() or seconds < minimum:
            raise ValueError(f"must be whole seconds, at least {minimum}")
        return int(seconds)

    return parse


def _schema(number: dict[str, Any], pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": f"^{pattern}$"}]})


_DURATION_PATTERN = r"[0-9]+(\.[0-9]+)?(ms|s|m|h|d)?"

Timeout = Annotated[
    float,
    BeforeValidator(_at_least(0.001, "must be at least 1ms")),
    _schema({"type": "number", "exclusiveMinimum": 0}, _DURATION_PATTERN),
]
"""Seconds, greater than 0."""

Grace = Annotated[
    float, BeforeValidator(parse_duration), _schema({"type": "number", "minimum": 0}, _DURATION_PATTERN)
]
"""Seconds; 0 is allowed."""

Lifetime = Annotated[
    int, BeforeValidator(_whole(1)), _schema({"type": "integer", "minimum": 1}, _DURATION_PATTERN)
]
"""Whole seconds, at least one."""

Margin = Annotated[
    int, BeforeValidator(_whole(0)), _schema({"type": "integer", "minimum": 0}, _DURATION_PATTERN)
]
"""Whole seconds; 0 is allowed."""

Size = Annotated[
    int, BeforeValidator(parse_size), _schema({"type": "integer", "minimum": 1}, "[0-9]+[kKmMgG]?")
]
"""Bytes."""
