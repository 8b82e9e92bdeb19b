"""Reports of upgrades."""

from gateway.process.upgrade_history import UpgradeHistory


def test_reports_count_on_across_programs() -> None:
    first, second = UpgradeHistory(lambda: 7.0), UpgradeHistory(lambda: 8.0)
    first.failed("one\ntwo")
    second.inherit(first.report.written)
    second.succeeded("9.9", 4711)
    report = second.report.last
    assert report is not None
    assert (report["number"], report["ok"], report["time"], report["to_version"]) == (2, True, 8.0, "9.9")
