"""Writing the audit log: in order, by several writers, and never at the cost of a request."""

from __future__ import annotations

import json
import logging
import stat
import threading
from pathlib import Path

import pytest

from gateway.audit import log as audit_log_module
from gateway.audit.actor import GATEWAY, acting, acts, who_acts
from gateway.audit.chain import AuditEvent, broken
from gateway.audit.log import AuditLog, append_to_file, append_to_lines

KEY = b"k" * 32


def test_entries_are_written_in_order_with_their_time(tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    log = AuditLog(append_to_file(file, KEY), lambda: 1_800_000_000.5)
    for number in range(20):
        log.record("cli:root", "client.update", str(number), {"enabled": True}, {"enabled": False})
    log.stop()
    lines = file.read_bytes().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["target"] for entry in entries] == [str(number) for number in range(20)]
    assert entries[0]["time"] == "2027-01-15T08:00:00.500Z"
    assert list(broken(lines, (KEY,))) == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_many_writers_make_one_chain(tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    event = AuditEvent("2027-01-31T12:00:00Z", "a", "b", "c")

    def write() -> None:
        append = append_to_file(file, KEY)
        for _ in range(50):
            append(event)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = file.read_bytes().splitlines()
    assert len(lines) == 200
    assert list(broken(lines, (KEY,))) == []


def test_an_entry_that_a_crash_cut_off_shows_and_the_next_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    append, event = append_to_file(file, KEY), AuditEvent("2027-01-31T12:00:00Z", "a", "b", "c")
    append(event)
    file.write_bytes(file.read_bytes()[:-20])
    append(event)
    append(event)
    lines = file.read_bytes().splitlines()
    assert [one.line for one in broken(lines, (KEY,))] == [1]


@pytest.mark.parametrize("name", ["audit.log.1", "audit.log-20270131"])
def test_the_chain_goes_on_in_a_new_file_when_the_log_is_rotated(tmp_path: Path, name: str) -> None:
    file, event = tmp_path / "audit.log", AuditEvent("2027-01-31T12:00:00Z", "a", "b", "c")
    append = append_to_file(file, KEY)
    append(event)
    append(event)
    rotated = file.rename(tmp_path / name)
    (tmp_path / "audit.log.0.gz").write_bytes(b"no text")
    append(event)
    append(event)
    before, after = rotated.read_bytes().splitlines(), file.read_bytes().splitlines()
    assert (len(before), len(after)) == (2, 2)
    assert list(broken([*before, *after], (KEY,))) == []
    (alone,) = broken(after, (KEY,))
    assert (alone.line, alone.reason.partition(":")[0]) == (1, "follows an entry that is not here")


def test_many_writers_make_one_chain_while_the_log_is_rotated(tmp_path: Path) -> None:
    file, event = tmp_path / "audit.log", AuditEvent("2027-01-31T12:00:00Z", "a", "b", "c")
    append_to_file(file, KEY)(event)

    def write() -> None:
        append = append_to_file(file, KEY)
        for _ in range(50):
            append(event)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    parts = []
    for number in range(20):
        if file.exists() and file.stat().st_size:
            parts.append(file.rename(tmp_path / f"audit.log-{number:03}"))
        threads[number % 4].join(0.005)
    for thread in threads:
        thread.join()
    lines = [line for part in [*parts, file] if part.exists() for line in part.read_bytes().splitlines()]
    assert len(lines) == 201
    assert list(broken(lines, (KEY,))) == []


def test_lines_for_a_log_have_a_chain_of_their_own() -> None:
    lines: list[str] = []
    append = append_to_lines(lines.append, KEY, "7-one")
    for _ in range(3):
        append(AuditEvent("2027-01-31T12:00:00Z", "a", "b", "c"))
    assert list(broken([line.encode() for line in lines], (KEY,))) == []


def test_a_full_disk_costs_entries_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    log = AuditLog(append_to_file(Path("/dev/full"), KEY), lambda: 0.0)
    log.record("a", "b", "c")
    log.stop()
    assert log.lost == 1
    assert "an entry of the audit log is lost: No space left on device" in caplog.messages


def test_a_stuck_disk_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(audit_log_module, "MAX_WAITING", 3)
    held, began = threading.Event(), threading.Event()

    def stuck(_: AuditEvent) -> None:
        began.set()
        held.wait(10)

    log = AuditLog(stuck, lambda: 0.0)
    with caplog.at_level(logging.ERROR):
        log.record("a", "b", "c")
        assert began.wait(10)
        for _ in range(5):
            log.record("a", "b", "c")
    assert log.lost == 2
    held.set()
    log.stop()


def test_who_acts_is_known_until_the_request_is_over() -> None:
    assert who_acts() == GATEWAY
    with acting("anybody"):
        assert who_acts() == "anybody"
        acts("file:1 ann")
        assert who_acts() == "file:1 ann"
    assert who_acts() == GATEWAY
