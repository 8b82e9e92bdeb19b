"""gunicorn's words, in the gateway's log."""

import logging

import pytest

from gateway.process.multi_worker_log import MultiWorkerLog


def test_trouble_keeps_its_level(caplog: pytest.LogCaptureFixture) -> None:
    log = MultiWorkerLog(None)
    log.warning("worker %s is slow", 7)
    log.error("worker %s failed", 7)
    log.critical("worker %s hangs", 7)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "worker 7 is slow"),
        ("ERROR", "worker 7 failed"),
        ("CRITICAL", "worker 7 hangs"),
    ]


def test_chatter_is_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    log = MultiWorkerLog(None)
    with caplog.at_level(logging.DEBUG):
        log.info("Booting worker with pid: %s", 7)
        log.debug("%s workers", 2)
    assert [record.levelname for record in caplog.records] == ["DEBUG"]


def test_an_unexpected_failure_comes_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("reason")
    except ValueError:
        MultiWorkerLog(None).exception("it failed")
    assert caplog.records[0].exc_info is not None
