"""The chain of the audit log: every change of what was written shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.audit.chain import FIRST, AuditEvent, BrokenChain, broken, entry, last_hash, logged_entry

KEY, OTHER = b"k" * 32, b"o" * 32


def written(count: int, key: bytes = KEY) -> list[bytes]:
    lines, previous = [], FIRST
    for number in range(count):
        event = AuditEvent("2027-01-31T12:00:00.000Z", "cli:root", "client.update", f"client-{number}")
        made = entry(event, previous, key)
        lines.append(json.dumps(made).encode())
        previous = made["hash"]
    return lines


def changed(line: bytes, **members: Any) -> bytes:
    return json.dumps({**json.loads(line), **members}).encode()


def places(lines: list[bytes], *keys: bytes) -> list[int]:
    return [one.line for one in broken(lines, keys or (KEY,))]


def test_what_was_written_is_whole() -> None:
    assert places(written(5)) == []
    assert places([]) == []
    assert list(json.loads(written(1)[0])) == [
        "time", "actor", "action", "target", "before", "after", "previous", "hash",
    ]  # fmt: skip


@pytest.mark.parametrize("member", ["time", "actor", "action", "target", "before", "after"])
def test_a_changed_member_shows(member: str) -> None:
    lines = written(3)
    lines[1] = changed(lines[1], **{member: "other"})
    assert places(lines) == [2]


def test_a_removed_an_inserted_and_a_moved_entry_show() -> None:
    lines = written(4)
    assert places([lines[0], *lines[2:]]) == [2]
    assert places([*lines[:2], lines[0], *lines[2:]]) == [3, 4]
    assert places([lines[0], lines[2], lines[1], lines[3]]) == [2, 3, 4]
    assert places(lines[1:]) == [1]


def test_a_chain_made_anew_needs_the_key() -> None:
    assert places(written(3, OTHER)) == [1, 2, 3]
    assert places(written(3, OTHER), KEY, OTHER) == [], "any key of tokens.keys may have written it"


@pytest.mark.parametrize("line", [b"nonsense", b"[]", b"{}", b"", b"null"])
def test_what_is_no_entry_shows(line: bytes) -> None:
    assert list(broken([line], (KEY,))) == [BrokenChain(1, "is not an entry")]
    assert last_hash(line) == FIRST


def chained(name: str, count: int) -> list[bytes]:
    """Entries of a named chain, as one process of several writes them."""
    lines, previous = [], FIRST
    for number in range(count):
        event = AuditEvent("2027-01-31T12:00:00.000Z", "cli:root", "client.update", f"{name}-{number}")
        made = entry(event, previous, KEY, name)
        lines.append(json.dumps(made).encode())
        previous = made["hash"]
    return lines


def test_chains_of_several_processes_are_checked_each_by_itself() -> None:
    one, two = chained("7-one", 3), chained("8-two", 3)
    mixed = [one[0], two[0], two[1], one[1], one[2], two[2]]
    ends: dict[str, str] = {}
    assert list(broken(mixed[:3], (KEY,), ends)) == []
    assert list(broken(mixed[3:], (KEY,), ends)) == [], "the next file goes on with all of them"
    assert set(ends) == {"7-one", "8-two"}
    assert places([one[0], two[0], one[2], two[1]]) == [3], "one is missing in one of them"
    assert places([one[0], two[1]]) == [2]
    assert places([one[0], changed(two[0], chain="7-one")]) == [2, 2], "the name is protected, too"


def test_entries_are_found_among_other_lines_of_a_log() -> None:
    (line,) = chained("7-one", 1)
    logged = json.dumps({"time": "t", "level": "warning", "logger": "audit", "message": line.decode()})
    assert logged_entry(logged.encode()) == line
    assert logged_entry(b"2027-01-31T12:00:00.000Z warning audit: " + line) == line
    assert logged_entry(b"Jan 31 12:00:00 host gatepost audit: " + line) == line
    for other in (b"", b"{", b"[1]", b'{"logger": "gatepost", "message": "audit: {"}', b"gatepost: ready on"):
        assert logged_entry(other) is None
