"""A draft of gateway.yaml: what a converter has found, and what it could not express."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

WIDTH = 110
_NO_SEGMENT = re.compile(r"[^A-Za-z0-9_-]+")
_TEMPLATE = re.compile(r"\{([^/{}]*)\}")
MAX_NAME = 64
ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class UnknownFormat(Exception):  # noqa: N818 (it says what the document is)
    """The document is not of the kind that it was said to be."""


@dataclass(slots=True)
class ConfigDraft:
    """Sections of gateway.yaml as plain values, and notes for people."""

    title: str = ""
    upstreams: dict[str, dict[str, Any]] = field(default_factory=dict)
    routes: list[dict[str, Any]] = field(default_factory=list)
    clients: list[dict[str, Any]] = field(default_factory=list)
    plugins: list[dict[str, Any]] = field(default_factory=list)
    tiers: dict[str, str] = field(default_factory=dict)
    scopes: dict[str, str] = field(default_factory=dict)
    """What scopes mean, in words."""
    notes: list[str] = field(default_factory=list)
    """What can't be expressed, or must be looked at."""

    def note(self, where: str, text: str) -> None:
        """Notes something once."""
        note = f"{where}: {text}"
        if note not in self.notes:
            self.notes.append(note)

    def upstream(self, wanted: str, settings: dict[str, Any]) -> str:
        """The name of an upstream with these settings: of one that there is, or of a new one."""
        name = free_name(wanted, (one for one, known in self.upstreams.items() if known != settings))
        self.upstreams[name] = settings
        return name


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """A valid name like the one that is wanted, and none of those that are taken."""
    base = _NO_SEGMENT.sub("-", wanted).strip("-")[: MAX_NAME - 4] or "backend"
    names, number = set(taken), 1
    name = base
    while name in names:
        number += 1
        name = f"{base}-{number}"
    return name


def route_path(path: str, draft: ConfigDraft, where: str) -> str | None:
    """A path of another product as that of a route; None: it can't be one, which is noted.

    A segment that has more than a `{name}` becomes one of its own, so the route takes more than it should.
    """
    segments: list[str] = []
    for segment in path.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0].split("/")[1:]:
        if "{" in segment or "}" in segment:
            name = _NO_SEGMENT.sub("_", _TEMPLATE.sub(r"\1", segment).strip("{}")).strip("_") or "value"
            name = name if name[0].isalpha() else f"n{name}"
            if segment != f"{{{segment[1:-1]}}}" or "{" in segment[1:]:
                draft.note(where, f"{segment} is only part of a segment: any segment matches")
            segments.append(f"{{{_distinct(name[:60], segments)}}}")
        elif segment:
            segments.append(segment)
    return "/" + "/".join(segments)


def _distinct(name: str, segments: list[str]) -> str:
    while f"{{{name}}}" in segments:
        name += "_"
    return name


def grouped(routes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Routes that differ in their methods alone, as one each, in the order of the first."""
    found: dict[str, dict[str, Any]] = {}
    for route in routes:
        others = {key: value for key, value in route.items() if key != "methods"}
        kept = found.setdefault(repr(others), {**route, "methods": []})
        kept["methods"] += [method for method in route["methods"] if method not in kept["methods"]]
    return list(found.values())


def left_out(draft: ConfigDraft, number: int, problem: str) -> None:
    """Takes a route out that gateway.yaml can't have."""
    route = draft.routes.pop(number)
    methods = ",".join(route.get("methods", ["all methods"]))
    draft.note(f"{methods} {route['path']}", f"left out: {problem}")


def rendered(draft: ConfigDraft) -> str:
    """The draft as YAML, with the notes as comments."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: ConfigDraft) -> Iterator[str]:
    yield f"# {_one_line(draft.title)}"
    if draft.notes:
        yield "#"
        yield "# To look at, and what could not be taken over:"
        yield from (f"# - {_one_line(note)}" for note in draft.notes)
    if draft.scopes:
        yield "#"
        yield "# The scopes:"
        yield from (f"# - {_one_line(name)}: {_one_line(text)}" for name, text in draft.scopes.items())
    sections: Mapping[str, Any] = {
        "upstreams": draft.upstreams,
        "routes": draft.routes,
        "clients": draft.clients,
        "tiers": draft.tiers,
        "plugins": draft.plugins,
    }
    for name, content in sections.items():
        if content:
            yield ""
            yield _dumped({name: content}).rstrip("\n")


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(str(text).split()))


class _Dumper(yaml.SafeDumper):
    """Small mappings and lists on one line, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _dumped(content: Any) -> str:
    return yaml.dump(
        literal(content),
        Dumper=_Dumper,
        sort_keys=False,
        width=WIDTH,
        default_flow_style=None,
        allow_unicode=True,
    )


def literal(value: Any) -> Any:
    """The value with every `${` escaped: what others wrote means nothing here."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {key: literal(one) for key, one in value.items()}
    return [literal(one) for one in value] if isinstance(value, list | tuple) else value
