"""Log lines on standard error: one line an event, whatever the values hold.

A value from a caller may hold line feeds, terminal colours or text that runs backwards. None of it reaches a
terminal or splits a line: it is written as an escape.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Literal

Format = Literal["json", "text"]

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""Controls, line separators, and what turns the direction of text or cannot be seen."""

_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")
_RUNS_ON = re.compile(r'[\s"=\\]')

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up_logs(level: str, style: Format) -> None:
    """Sends every log line to standard error. Called again, it replaces what it had set up before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if style == "json" else TextLines())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    # Its lines of level INFO tell of every connection; they are for its authors.
    logging.getLogger("asyncio").setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(capture=True)


def printable(value: object) -> str:
    """The text of a value, with all that is not plainly visible escaped."""
    return _UNSAFE.sub(_escaped, str(value))


class JsonLines(logging.Formatter):
    """One JSON object a line, ASCII only."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(_extras(record))
        if record.exc_info:
            line["traceback"] = _traceback(record)
        return json.dumps(line, default=str)


class TextLines(logging.Formatter):
    """`time level logger: message key=value`, for a person."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname.lower()} {record.name}: {printable(record.getMessage())}"
        for key, value in _extras(record).items():
            line += f" {key}={quoted(value)}"
        if record.exc_info:
            line += f" traceback={quoted(_traceback(record))}"
        return line


def quoted(value: object) -> str:
    """A value of `key=value`: in quotes where it would otherwise run into what follows."""
    text = str(value)
    if _PLAIN.fullmatch(text):
        return text
    text = printable(text)
    return json.dumps(text, ensure_ascii=False) if not text or _RUNS_ON.search(text) else text


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _traceback(record: logging.LogRecord) -> str:
    return "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
