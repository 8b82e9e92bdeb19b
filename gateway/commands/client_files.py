"""Files of clients: CSV, a JSON array, or NDJSON; read with the line of each client, and written."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.config.problems import ConfigIssue, Place

FORMATS = ("csv", "json", "ndjson")
EXTENSIONS = {".csv": "csv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson"}
LISTS = (
    "grants",
    "scopes",
    "default_scopes",
    "audiences",
    "auth",
    "networks",
    "assertion_audience",
)
"""What is a list of words: in one text, blanks stand between them."""
OBJECTS = ("jwks", "tls_client_auth", "trust", "exchange", "claims", "subscriptions")
"""What is JSON in a cell of CSV."""
FLAGS = ("enabled", "introspect", "require_mtls", "require_dpop")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_BLANKS = re.compile(r"[ \t\r\n]*")
_WRAPPED = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*"clients"[ \t\r\n]*:')
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What a file says of one client, by the keys of `clients` in gateway.yaml or other names for them."""

    line: int
    fields: Mapping[str, Any]


Records = tuple[list[FileRecord], list[ConfigIssue]]
"""What could be read, and why the rest could not."""


def issue(line: int, text: str, *path: str | int) -> ConfigIssue:
    """A problem of the client on a line."""
    return ConfigIssue(Place(line, 1), path, text)


def read_records(text: str, kind: str) -> Records:
    """The clients of a file. `kind` is one of FORMATS."""
    return _READERS[kind](text.removeprefix("\ufeff"))


def write_records(records: Sequence[Mapping[str, Any]], kind: str) -> str:
    """The text of a file with these clients."""
    if kind == "ndjson":
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)
    if kind == "json":
        return json.dumps(records, indent=2, ensure_ascii=False) + "\n"
    columns = list(dict.fromkeys(name for one in records for name in one)) or ["id"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(name, one.get(name)) for name in columns] for one in records)
    return out.getvalue()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if name in LISTS and value:
        return " ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read_csv(text: str) -> Records:
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[FileRecord] = []
    issues: list[ConfigIssue] = []
    columns, line = None, 1
    try:
        for row in reader:
            if columns is None:
                columns = [name.strip() for name in row]
                issues += _wrong_columns(columns)
            elif any(row):
                if len(row) == len(columns):
                    records.append(_row(columns, row, line, issues))
                else:
                    issues.append(issue(line, f"has {len(row)} cells, and the first line {len(columns)}"))
            line = reader.line_num + 1
    except csv.Error as error:
        issues.append(issue(line, f"is no CSV: {error}"))
    return records, issues


def _wrong_columns(columns: Sequence[str]) -> Iterator[ConfigIssue]:
    for place, name in enumerate(columns):
        if not name:
            yield issue(1, f"column {place + 1} has no name")
        elif name in columns[:place]:
            yield issue(1, "is the name of two columns", name)


def _row(columns: Sequence[str], row: Sequence[str], line: int, issues: list[ConfigIssue]) -> FileRecord:
    """An empty cell says nothing: what it stands for is left out."""
    fields: dict[str, Any] = {}
    for name, cell in zip(columns, row, strict=True):
        if cell.strip() == "":
            continue
        try:
            fields[name] = _value(name, cell)
        except (ValueError, RecursionError):
            issues.append(issue(line, "is no JSON", name))
    return FileRecord(line, fields)


def _value(name: str, cell: str) -> Any:
    text = cell.strip()
    if name in OBJECTS or (text.startswith("[") and name not in ("name", "id")):
        return json.loads(text, object_pairs_hook=_once)
    if name in FLAGS:
        return _TRUTH.get(text.lower(), text)
    if name == "lifetime" and text.isascii() and text.isdigit():
        return int(text)
    return cell if name in ("secrets", "secret", "client_secret") else text


def _read_ndjson(text: str) -> Records:
    records, issues = [], []
    for line, row in enumerate(text.split("\n"), 1):
        if row.strip() == "":
            continue
        try:
            records.append(_record(json.loads(row, object_pairs_hook=_once), line))
        except (ValueError, RecursionError) as error:
            issues.append(issue(line, _wrong(error)))
    return records, issues


def _read_json(text: str) -> Records:
    """Client by client, so that each has its line. What is wrong in one ends the reading."""
    decoder = json.JSONDecoder(object_pairs_hook=_once)
    records: list[FileRecord] = []
    wrapped = _WRAPPED.match(text)
    at = _past_blanks(text, wrapped.end() if wrapped else 0)
    try:
        at = _expect(text, at, "[")
        while text[at : at + 1] != "]":
            at = _expect(text, at, ",") if records else at
            value, end = decoder.raw_decode(text, at)
            records.append(_record(value, _line_of(text, at)))
            at = _past_blanks(text, end)
        at = _past_blanks(text, at + 1)
        at = _expect(text, at, "}") if wrapped else at
        if at < len(text):
            return records, [issue(_line_of(text, at), "there is something behind the list of clients")]
    except (ValueError, RecursionError) as error:
        at = error.pos if isinstance(error, json.JSONDecodeError) else at
        return records, [issue(_line_of(text, at), _wrong(error))]
    return records, []


def _expect(text: str, at: int, char: str) -> int:
    if text[at : at + 1] != char:
        raise json.JSONDecodeError(f"Expecting '{char}'", text, at)
    return _past_blanks(text, at + 1)


def _past_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return at if found is None else found.end()


def _line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _record(value: Any, line: int) -> FileRecord:
    if not isinstance(value, dict):
        raise NotAClientError("must be an object")
    return FileRecord(line, value)


class NotAClientError(ValueError):
    """JSON that is well-formed, and still can't be a client."""


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise NotAClientError(f"has {json.dumps(name[:64])} twice")
        members[name] = value
    return members


def _wrong(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is no JSON: {error.msg}"
    return str(error) if isinstance(error, NotAClientError) else "is no JSON: too deep"


_READERS: Mapping[str, Callable[[str], Records]] = {
    "csv": _read_csv,
    "json": _read_json,
    "ndjson": _read_ndjson,
}
