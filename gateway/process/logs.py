"""Logging to standard error: one line per record.

Values from clients may contain line feeds, terminal escape sequences or bidirectional controls. They are
escaped, so they can neither forge a log line nor reach a terminal.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Any, Literal

from gateway.process.line_writer import LineWriter, line_writer, split_line
from gateway.process.log_level import set_level

Format = Literal["json", "text"]
STANDARD_ERROR = 2

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""Control characters, line separators, bidirectional controls and invisible characters."""

_STAYS = "outlives_reloads"
"""The attribute of handlers that are not replaced."""

_UNQUOTED = re.compile(r"[!#-<>-\[\]-~]+")
_NEEDS_QUOTES = re.compile(r'[\s"=\\]')

_RECORD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up_logs(level: str, style: Format) -> None:
    """Configures the root logger to write to standard error, in place of its handlers but `add_handler`'s."""
    handler = LineHandler(line_writer(STANDARD_ERROR))
    handler.setFormatter(JsonLines() if style == "json" else TextLines())
    root = logging.getLogger()
    for old in root.handlers[:]:
        if not hasattr(old, _STAYS):
            root.removeHandler(old)
    root.addHandler(handler)
    set_level(level)
    logging.captureWarnings(capture=True)


def add_handler(handler: logging.Handler) -> None:
    """Adds a handler that outlives reloads."""
    setattr(handler, _STAYS, True)
    logging.getLogger().addHandler(handler)


class LineHandler(logging.Handler):
    """Logging handler on top of a `LineWriter`, which never blocks."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Formats the record and writes it as one line."""
        try:
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
        except Exception:
            self.handleError(record)
        else:
            self._writer.write(split_line(line, self._writer.max_block))

    def flush(self) -> None:
        """Called by `logging.shutdown`; blocks for at most `EXIT_TIMEOUT` seconds."""
        self._writer.finish()


def printable(value: object) -> str:
    """`str(value)` with control and invisible characters escaped."""
    return _UNSAFE.sub(_escape, str(value))


class JsonLines(logging.Formatter):
    """One JSON object per line, ASCII only."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(_extras(record))
        if record.exc_info:
            line["traceback"] = _traceback(record)
        return json.dumps(line, default=str)


class TextLines(logging.Formatter):
    """`time level logger: message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        line = (
            f"{_timestamp(record)} {record.levelname.lower()} {record.name}: {printable(record.getMessage())}"
        )
        for key, value in _extras(record).items():
            line += f" {key}={quoted(value)}"
        if record.exc_info:
            line += f" traceback={quoted(_traceback(record))}"
        return line


def quoted(value: object) -> str:
    """A value for `key=value`, quoted if it is empty or contains whitespace, `=`, `"` or a backslash."""
    text = str(value)
    if _UNQUOTED.fullmatch(text):
        return text
    text = printable(text)
    return json.dumps(text, ensure_ascii=False) if not text or _NEEDS_QUOTES.search(text) else text


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _RECORD_ATTRIBUTES}


def _timestamp(record: logging.LogRecord) -> str:
    created = datetime.fromtimestamp(record.created, UTC)
    return created.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _traceback(record: logging.LogRecord) -> str:
    return "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
