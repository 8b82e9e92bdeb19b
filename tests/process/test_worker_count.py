"""How many workers there are to be."""

import os

import pytest

from gateway.config.model import Settings
from gateway.process import worker_count as module
from gateway.process.worker_count import worker_count, workers_for


def test_a_number_is_that_number() -> None:
    assert worker_count(Settings.model_validate({"server": {"workers": 3}})) == 3


def test_auto_is_one_for_each_core_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    monkeypatch.setattr(module, "read_file", lambda _: None)
    assert worker_count(Settings.model_validate({"server": {"workers": "auto"}})) == 3


@pytest.mark.parametrize(
    ("cores", "quota", "workers"), [(8, None, 8), (8, 2.0, 2), (8, 1.5, 2), (8, 0.2, 1), (2, 16.0, 2)]
)
def test_auto_heeds_the_quota_of_the_control_group(cores: int, quota: float | None, workers: int) -> None:
    assert workers_for(cores, quota) == workers
