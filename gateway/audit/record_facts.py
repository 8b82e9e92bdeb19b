"""What of a record may stand in the audit log: everything but secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

HIDDEN = frozenset(
    {"password", "digest", "foreign", "credential_digests", "sealed", "email", "pending_email"}
)
"""Fields that are left out: they say something of a secret, or are a person's e-mail addresses, which go with
the account. That they changed is said."""

CHANGED = "(changed)"


def differing(
    before: object | None, after: object | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The fields of two records that differ, as they were and as they are. None: no record."""
    old, new = _facts(before), _facts(after)
    if old is None or new is None:
        return old, new
    names = [name for name in new if old.get(name) != new[name]]
    was = {name: old[name] for name in names if name in old}
    return was, {name: new[name] for name in names} | _hidden_changes(before, after)


def _hidden_changes(before: object, after: object) -> dict[str, str]:
    return {name: CHANGED for name in HIDDEN if getattr(before, name, None) != getattr(after, name, None)}


def _facts(record: object | None) -> dict[str, Any] | None:
    if record is None:
        return None
    if isinstance(record, Mapping):
        return {str(name): _plain(value) for name, value in record.items()}
    if is_dataclass(record) and not isinstance(record, type):
        shown = (one.name for one in fields(record) if one.name not in HIDDEN)
        # What is empty says nothing.
        return {
            name: value for name in shown if (value := _plain(getattr(record, name))) not in ("", None, [])
        }
    return {"value": str(record)}


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _facts(value)
    if isinstance(value, frozenset | set):
        return sorted(str(item) for item in value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
