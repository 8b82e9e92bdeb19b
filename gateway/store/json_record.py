"""Reading JSON that lies in the store: every part is what it should be, or the whole is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from json.encoder import encode_basestring as _string
from typing import Any, TypeVar

T = TypeVar("T")
_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class JsonRecord:
    """A JSON object's members, by name and type; unknown ones are let be. Raises ValueError or TypeError."""

    def __init__(self, members: Any) -> None:
        if type(members) is not dict:
            raise TypeError("not an object")
        self._members: dict[str, Any] = members

    @classmethod
    def parse(cls, data: bytes) -> JsonRecord:
        """The object that `data` is the text of."""
        try:
            # It is UTF-8: that need not be found out.
            return cls(json.loads(data.decode("utf-8", "surrogatepass")))
        except RecursionError:
            raise ValueError("too deep") from None

    def text(self, name: str, default: str | None = None) -> str:
        """A string; one that has no default must be there."""
        return _be(str, self._members.get(name, default))

    def text_or_none(self, name: str) -> str | None:
        """A string, or None where it is left out or null."""
        value = self._members.get(name)
        return None if value is None else _be(str, value)

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number; one that has no default must be there."""
        return _be(int, self._members.get(name, default))

    def whole_or_none(self, name: str) -> int | None:
        """A whole number, or None where it is left out or null."""
        value = self._members.get(name)
        return None if value is None else _be(int, value)

    def truth(self, name: str, default: bool | None = None) -> bool:
        """True or false; one that has no default must be there."""
        return _be(bool, self._members.get(name, default))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; none where it is left out."""
        return tuple(_be(str, item) for item in _be(list, self._members.get(name, [])))

    def text_map(self, name: str) -> dict[str, str]:
        """Strings by name; none where it is left out."""
        return {key: _be(str, item) for key, item in _be(dict, self._members.get(name, {})).items()}

    def records(self, name: str) -> list[JsonRecord]:
        """A list of objects; none where it is left out."""
        return [JsonRecord(item) for item in _be(list, self._members.get(name, []))]


def _be(kind: type[T], value: Any) -> T:
    if type(value) is not kind:
        raise TypeError(f"not {kind.__name__}")
    return value


_WRITERS: dict[type, Callable[[Any], str]] = {str: _string, int: str}
"""Most values are plain strings and numbers: for these the whole encoder is a long way round."""


def write_record(members: dict[str, Any]) -> str:
    """Compact JSON, without members that are None or empty."""
    kept = [
        f'"{name}":{_WRITERS.get(type(value), _compact)(value)}'
        for name, value in members.items()
        # Zero and false, which is equal to it, say something.
        if value or value == 0
    ]
    return "{" + ",".join(kept) + "}"
