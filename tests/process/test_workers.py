"""How many workers there are to be."""

import os

import pytest

from gateway.config.model import Settings
from gateway.process.workers import worker_count


def test_a_number_is_that_number() -> None:
    assert worker_count(Settings.model_validate({"server": {"workers": 3}})) == 3


def test_auto_is_one_for_each_core_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    assert worker_count(Settings.model_validate({"server": {"workers": "auto"}})) == 3
