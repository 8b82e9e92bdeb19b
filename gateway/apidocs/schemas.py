"""Schemas of a document, as lines for people and as examples. Both are bounded, whatever refers to itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gateway.apidocs.document import Document, at

DEEPEST = 6
MOST_LINES = 250
LONGEST_TEXT = 2000
LONGEST_EXAMPLE = 6000
MOST_REFERENCES = 20
MOST_STEPS = 3000
MOST_EXAMPLES = 20
"""Properties of an example, at each depth."""
_EXAMPLES: dict[str, Any] = {
    "string": "string",
    "integer": 0,
    "number": 0,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}
_FORMATS = {
    "date": "2030-12-31",
    "date-time": "2030-12-31T12:00:00Z",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "email": "ann@example.org",
    "uri": "https://example.org",
}


@dataclass(frozen=True, slots=True)
class SchemaLine:
    """One property of a schema."""

    depth: int
    name: str
    type: str
    required: bool
    text: str
    """Its description."""
    rules: str
    """What it may be: enumerations, bounds, a pattern, the default."""


def text_of(value: Any, longest: int = LONGEST_TEXT) -> str:
    """A text of a document; of anything else, nothing."""
    return value.strip()[:longest] if isinstance(value, str) else ""


class SchemaReader:
    """Reads one document, in a bounded number of steps: what refers to itself many times ends there."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = MOST_STEPS

    def resolved(self, node: Any) -> dict[str, Any]:
        """What a node refers to in the end; empty where it is nothing that can be shown."""
        for _ in range(MOST_REFERENCES):
            self._left -= 1
            if not isinstance(node, dict) or self._left < 0:
                break
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = at(self._document, reference)
        return {}


def resolved(document: Document, node: Any) -> dict[str, Any]:
    """The same for a single node."""
    return SchemaReader(document).resolved(node)


def merged(reader: SchemaReader, node: Any, depth: int = 0) -> dict[str, Any]:
    """A schema with the properties of its allOf."""
    schema = reader.resolved(node)
    parts = schema.get("allOf")
    if not isinstance(parts, list) or depth > DEEPEST:
        return schema
    found: dict[str, Any] = {"properties": {}, "required": []}
    for part in [{key: value for key, value in schema.items() if key != "allOf"}, *parts]:
        one = merged(reader, part, depth + 1)
        found |= {key: value for key, value in one.items() if key not in ("properties", "required")}
        found["properties"] |= _mapping(one.get("properties"))
        found["required"] += _list(one.get("required"))
    return found


def type_of(reader: SchemaReader, node: Any, depth: int = 0) -> str:
    """A schema's type in words: `string (uuid)`, `array of Order`."""
    name = node.get("$ref", "").rpartition("/")[2] if isinstance(node, dict) else ""
    schema = merged(reader, node)
    for word, joint in (("oneOf", " or "), ("anyOf", " or ")):
        choices = _list(schema.get(word))
        if choices and depth < DEEPEST:
            return joint.join(dict.fromkeys(type_of(reader, one, depth + 1) for one in choices[:8]))[:200]
    kinds = schema.get("type")
    kind = " or ".join(map(str, kinds)) if isinstance(kinds, list) else str(kinds or _guessed(schema))
    if schema.get("nullable") is True:
        kind += " or null"
    if kind.startswith("array") and depth < DEEPEST:
        return f"array of {type_of(reader, schema.get('items', {}), depth + 1)}"[:200]
    shown = f"{kind} ({schema['format']})" if isinstance(schema.get("format"), str) else kind
    return (f"{name} ({shown})" if name and kind == "object" else shown)[:200]


def _guessed(schema: dict[str, Any]) -> str:
    if schema.get("properties"):
        return "object"
    return "array" if "items" in schema else "any"


def schema_lines(reader: SchemaReader, node: Any) -> tuple[SchemaLine, ...]:
    """The properties of a schema, those of inner ones beneath them."""
    lines: list[SchemaLine] = []
    _add_lines(reader, node, 0, lines)
    return tuple(lines)


def _add_lines(reader: SchemaReader, node: Any, depth: int, lines: list[SchemaLine]) -> None:
    schema = merged(reader, node)
    if "items" in schema:
        return _add_lines(reader, schema["items"], depth + 1, lines) if depth < DEEPEST else None
    choices = [*_list(schema.get("oneOf")), *_list(schema.get("anyOf"))]
    for choice in choices[:8] if depth < DEEPEST else ():
        _add_lines(reader, choice, depth + 1, lines)
    needed = _list(schema.get("required"))
    for name, inner in _mapping(schema.get("properties")).items():
        if len(lines) >= MOST_LINES:
            return None
        one = merged(reader, inner)
        lines.append(
            SchemaLine(
                depth,
                str(name)[:200],
                type_of(reader, inner),
                name in needed,
                text_of(one.get("description")),
                rules_of(one),
            )
        )
        if depth < DEEPEST:
            _add_lines(reader, inner, depth + 1, lines)
    return None


def rules_of(schema: dict[str, Any]) -> str:
    """What a value may be, in words."""
    said = []
    if values := _list(schema.get("enum")):
        said.append("one of " + ", ".join(map(_short, values[:20])))
    for key, words in {
        "minimum": "at least",
        "maximum": "at most",
        "minLength": "shortest",
        "maxLength": "longest",
        "pattern": "pattern",
        "default": "default",
    }.items():
        if key in schema:
            said.append(f"{words} {_short(schema[key])}")
    return "; ".join(said)


def example_of(reader: SchemaReader, node: Any, depth: int = 0) -> Any:
    """An example of a schema: its own, or one made up."""
    schema = merged(reader, node)
    own = _own_examples(schema)
    if own or depth > DEEPEST:
        return own[0] if own else None
    if choices := [*_list(schema.get("oneOf")), *_list(schema.get("anyOf"))]:
        return example_of(reader, choices[0], depth + 1)
    if "items" in schema:
        return [example_of(reader, schema["items"], depth + 1)]
    if properties := _mapping(schema.get("properties")):
        some = list(properties.items())[:MOST_EXAMPLES]
        return {str(name): example_of(reader, inner, depth + 1) for name, inner in some}
    kinds = schema.get("type")
    kind = kinds[0] if isinstance(kinds, list) and kinds else kinds
    return _FORMATS.get(str(schema.get("format")), _EXAMPLES.get(str(kind), "string"))


def _own_examples(schema: dict[str, Any]) -> list[Any]:
    single = [schema[key] for key in ("example", "default", "const") if key in schema]
    return [*single, *_list(schema.get("examples")), *_list(schema.get("enum"))]


def written(value: Any) -> str:
    """An example as it is sent."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return text[:LONGEST_EXAMPLE]


def _short(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value, default=str))[:100]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
