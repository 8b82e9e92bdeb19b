"""An outage of the store is a line for each of its reasons, however long it lasts."""

from __future__ import annotations

import logging

import pytest

from gateway.store.address import parse_address
from gateway.store.outage_log import MOST, OutageLog


def test_each_reason_is_a_line_until_the_store_is_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = OutageLog(parse_address("redis://:secret@h"))
    for reason in ("refused", "silent", "refused", "silent"):
        log.lost(reason)
    log.over("connected")
    log.lost("refused")
    assert [message.rpartition(": ")[2] for message in caplog.messages] == [
        "refused",
        "silent",
        "connected",
        "refused",
    ]
    assert "secret" not in caplog.text


def test_an_outage_with_ever_new_reasons_has_a_bounded_number_of_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = OutageLog(parse_address("redis://h"))
    for number in range(2 * MOST):
        log.lost(str(number))
    assert len(caplog.messages) == MOST
