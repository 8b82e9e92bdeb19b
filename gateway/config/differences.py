"""What two configurations differ in, in words. Secrets are compared, and never shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from gateway.config.clients import ClientSettings
from gateway.config.model import Settings
from gateway.config.plugins import PluginUse
from gateway.config.portal import PortalUser
from gateway.config.routes import RouteSettings
from gateway.config.upstreams import UpstreamServerConfig
from gateway.runtime.give_way import giving_way

MAX_NAMES = 10
"""Names that one line lists; of more, only their number is given."""

MAX_VALUE = 120
"""Characters of a value that are shown."""

_USER_INFO = re.compile(r"//[^/@\s]{1,512}@")
"""The user and password of a URL (RFC 3986 section 3.2.1)."""

_LAYOUT = ("extends", "include")
"""Keys that say in which files a configuration is."""

IS_NEW = "is new"
IS_GONE = "is gone"


@dataclass(frozen=True, slots=True)
class Difference:
    """One key, or one whole entry of a list or mapping, that differs."""

    kind: str
    """`client`, `route`, `upstream` …; empty for keys outside such an entry."""
    name: str
    """The entry's name; empty where `kind` is."""
    key: str
    """The key with dots, below the entry if there is one; empty where the entry itself is new or gone."""
    words: str
    """`is new`, `is gone`, or the values: `2 -> 4`."""

    @property
    def text(self) -> str:
        """The difference as one line."""
        entry = f"{self.kind} {self.name}" if self.kind else ""
        if not self.key:
            return f"{entry} {self.words}"
        return f"{entry}{': ' if entry else ''}{self.key} {self.words}"


def differences(old: Settings, new: Settings) -> list[Difference]:
    """All differences, in the order of the keys of gateway.yaml. In which files they are makes none."""
    before, after = (
        {key: value for key, value in _fields(of).items() if key not in _LAYOUT} for of in (old, new)
    )
    return list(_members("", "", "", before, after))


def summary(found: Sequence[Difference]) -> list[str]:
    """One line for each difference. Entries of one kind that differ in the same way share a line."""
    groups: dict[tuple[str, str, str], list[Difference]] = {}
    for number, difference in enumerate(giving_way(found)):
        alike = (difference.kind, difference.key, difference.words)
        groups.setdefault(alike if difference.kind else (str(number), "", ""), []).append(difference)
    return [_line(group) for group in groups.values()]


def _line(group: Sequence[Difference]) -> str:
    first = group[0]
    if len(group) == 1:
        return first.text
    names = ", ".join(difference.name for difference in group[:MAX_NAMES])
    names += f" and {len(group) - MAX_NAMES} more" if len(group) > MAX_NAMES else ""
    words = first.words.replace("is ", "are ", 1) if not first.key else first.words
    key = f": {first.key}" if first.key else ""
    return f"{len(group)} {first.kind}s{key} {words} ({names})"


# Entries that have a name: each is compared with the one of the same name.


def route_name(route: RouteSettings) -> str:
    """What tells a route from the others: `GET,HEAD api.example.org/orders`."""
    methods = ",".join(route.methods) + " " if route.methods else ""
    exact = " (exact)" if route.match == "exact" else ""
    where = f" where {route.conditions}" if route.where is not None else ""
    return f"{methods}{route.host or ''}{route.path}{exact}{where}"


def route_id(route: RouteSettings) -> str:
    """The same in letters and digits, for programs: `6f1c0f0e5a1d`."""
    return sha256(route_name(route).encode()).hexdigest()[:12]


_NAMES: dict[type[BaseModel], tuple[str, Callable[[Any], str]]] = {
    ClientSettings: ("client", lambda client: client.id),
    RouteSettings: ("route", route_name),
    PortalUser: ("portal user", lambda user: user.name),
    UpstreamServerConfig: ("server", lambda server: server.url),
    PluginUse: ("plugin", lambda use: use.use),
}
_KINDS = {
    "upstreams": "upstream",
    "issuers": "issuer",
    "tiers": "tier",
    "grants": "grant",
}
"""Mappings whose entries have a name of their own."""


def _members(
    kind: str, name: str, prefix: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Difference]:
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if not _equal(before, after):
            yield from _differ(kind, name, f"{prefix}{key}", before, after)


def _equal(old: Any, new: Any) -> bool:
    """Whether two values are equal; long lists are compared item by item."""
    if not (isinstance(old, tuple) and isinstance(new, tuple)):
        return bool(old == new)
    return len(old) == len(new) and all(one == other for one, other in giving_way(zip(old, new, strict=True)))


def _differ(kind: str, name: str, key: str, old: Any, new: Any) -> Iterator[Difference]:
    if not kind and key in _KINDS:
        yield from _entries(_KINDS[key], "", old, new)
    elif (entries := _named_entries(old, new)) is not None:
        entry_kind, before, after = entries
        if before == after:
            yield Difference(kind, name, key, f"in another order: {', '.join(after)}")
        else:
            yield from _entries(f"{kind} {name} {entry_kind}" if kind else entry_kind, "", before, after)
    elif isinstance(old, BaseModel) and isinstance(new, BaseModel) and type(old) is type(new):
        yield from _members(kind, name, f"{key}.", _fields(old), _fields(new))
    else:
        yield Difference(kind, name, key, _words(old, new))


def _entries(kind: str, prefix: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in giving_way(dict.fromkeys([*old, *new])):
        if name not in old:
            yield Difference(kind, name, "", IS_NEW)
        elif name not in new:
            yield Difference(kind, name, "", IS_GONE)
        elif old[name] != new[name]:
            yield from _members(kind, name, prefix, _fields(old[name]), _fields(new[name]))


def _named_entries(old: Any, new: Any) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
    """Two lists as mappings by name; None where their items have none, or one twice."""
    if not (isinstance(old, tuple) and isinstance(new, tuple)):
        return None
    types = {type(item) for item in (*old, *new)}
    if len(types) != 1 or (known := _NAMES.get(types.pop())) is None:
        return None
    kind, name_of = known
    before, after = ({name_of(item): item for item in giving_way(items)} for items in (old, new))
    unique = len(before) == len(old) and len(after) == len(new)
    return (kind, before, after) if unique else None


def _fields(value: Any) -> dict[str, Any]:
    if not isinstance(value, BaseModel):
        return {"": value}
    fields = type(value).model_fields
    return {field.alias or name: getattr(value, name) for name, field in fields.items()}


# Values.


def _words(old: Any, new: Any) -> str:
    if _secret(old) or _secret(new):
        return f"changed ({_shown(old)} -> {_shown(new)})" if _shown(old) != _shown(new) else "changed"
    return f"{_shown(old)} -> {_shown(new)}"


def _secret(value: Any) -> bool:
    """Whether a secret is in the value."""
    if isinstance(value, SecretStr):
        return True
    if isinstance(value, BaseModel):
        return any(_secret(member) for member in _fields(value).values())
    if isinstance(value, Mapping):
        return any(_secret(member) for member in value.values())
    return isinstance(value, tuple | list | frozenset) and any(_secret(item) for item in value)


def _shown(value: Any) -> str:
    plain = _plain(value)
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return "***"
    if isinstance(value, BaseModel):
        return {key: _plain(member) for key, member in _fields(value).items()}
    if isinstance(value, Mapping):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(item) for item in value]
    return _USER_INFO.sub("//***@", str(value)) if isinstance(value, str | Path) else value
