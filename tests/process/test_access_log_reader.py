"""Access logs are read back as they were written, and what can't be read is counted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from gateway.process.access_log_format import LINES, detailed_line
from gateway.process.access_log_reader import MAX_LINE, LoggedRequest, ReadLines, logged_requests, parse_line
from gateway.process.logs import Format
from gateway.telemetry.access_entry import DetailedEntry, Entry

TIME = "2026-11-28T17:11:11.674Z"
ENTRY: Entry = ("192.0.2.7", "GET", b"/orders/1", 200, 120, 0.0042, "/orders", "demo", "r-1")
READ = LoggedRequest(TIME, "GET", "/orders/1", 200, "/orders", "demo")


@pytest.mark.parametrize("style", ["json", "text"])
def test_what_was_written_is_read(style: Format) -> None:
    assert parse_line(LINES[style](TIME, ENTRY).decode().rstrip("\n")) == READ


@pytest.mark.parametrize("style", ["json", "text"])
@pytest.mark.parametrize("name", ["a b", 'quo"te', "\x1b[31m", "bäh", "back\\slash", "=", ""])
def test_any_name_comes_back_as_it_was(style: Format, name: str) -> None:
    entry = (*ENTRY[:6], name, name, "r-1")
    read = parse_line(LINES[style](TIME, entry).decode().rstrip("\n"))
    assert isinstance(read, LoggedRequest)
    assert (read.route, read.client) == (name, name)


@pytest.mark.parametrize("style", ["json", "text"])
def test_the_fields_host_and_error_are_read_where_there_are_any(style: Format) -> None:
    details = (("host", "api.example"), ("error", None))
    read = parse_line(detailed_line(style, TIME, DetailedEntry(ENTRY, details)).decode().rstrip("\n"))
    assert isinstance(read, LoggedRequest)
    assert (read.host, read.error, read.error_known) == ("api.example", None, True)


@pytest.mark.parametrize(
    ("line", "known"),
    [
        ("gatepost: ready on http://127.0.0.1:8280", True),
        ('{"time": "t", "level": "info", "logger": "gatepost", "message": "m"}', True),
        (f"{TIME} warning gatepost: store unavailable", True),
        ("", True),
        ("{", False),
        ("[]", False),
        ('{"logger": "access"}', False),
        ('{"logger": "access", "time": 1, "method": [], "path": 0}', False),
        ("{" * 5000, False),
        (f"{TIME} info access: cut", True),
        ("Dec  1 12:00:00 host kernel: hello", False),
    ],
)
def test_lines_of_another_kind_are_told_from_those_that_cannot_be_read(line: str, known: bool) -> None:
    assert parse_line(line) is known


def test_files_may_be_compressed_and_lines_may_be_cut(tmp_path: Path) -> None:
    lines = LINES["json"](TIME, ENTRY)
    plain, packed, torn = tmp_path / "a.log", tmp_path / "b.log.gz", tmp_path / "c.log.gz"
    plain.write_bytes(lines + b"nonsense\n" + b"x" * (MAX_LINE * 3) + b"\n" + lines[:40])
    packed.write_bytes(gzip.compress(lines * 3))
    torn.write_bytes(gzip.compress(lines * 3)[:-9])
    read = ReadLines()
    found = list(logged_requests([str(plain), str(packed), str(torn)], read))
    assert found[:4] == [READ] * 4
    assert read.requests == len(found)
    assert read.unreadable == 3
    assert read.broken.startswith(f"{torn}: ")


def test_an_empty_log_has_no_requests(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert list(logged_requests([str(tmp_path / "empty")], ReadLines())) == []


def test_a_log_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(logged_requests([str(tmp_path / "no.log")], ReadLines()))


def test_json_that_another_program_has_spaced_otherwise_is_read() -> None:
    members = json.loads(LINES["json"](TIME, ENTRY))
    assert parse_line(json.dumps(members, separators=(",", ":"))) == READ
