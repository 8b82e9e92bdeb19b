"""A report that the supervising process writes, and any worker reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.process.shared_report import SharedReport


def test_alone_a_process_reads_its_own() -> None:
    report = SharedReport("deed")
    assert (report.last, report.written) == (None, None)
    report.put({"number": 1})
    assert report.last == report.written == {"number": 1}


def test_another_process_reads_the_file(tmp_path: Path) -> None:
    writer, reader = SharedReport("deed"), SharedReport("deed")
    for one in (writer, reader):
        one.share(tmp_path)
    assert reader.last is None
    writer.put({"number": 1})
    writer.put({"number": 2})
    assert reader.last == {"number": 2}
    assert reader.written is None


def test_what_can_not_be_written_is_said_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    report = SharedReport("deed")
    report.share(tmp_path / "missing")
    report.put({"number": 1})
    assert caplog.messages == ["the report of the deed can't be written: No such file or directory"]
    assert report.written == {"number": 1}
