"""Which store a reload refuses; what a gateway does with that is in `tests/faults/test_store_reload.py`."""

from __future__ import annotations

import pytest

from gateway.config.model import Settings
from gateway.config.problems import ConfigurationError
from gateway.process.store_trial import check_store
from gateway.telemetry.snapshot import Snapshot
from tests.conftest import Valkey
from tests.ports import free_port


def settings(url: str) -> Settings:
    return Settings.model_validate({"store": {"url": url, "timeout": 0.1}})


def workers(*connected: bool) -> Snapshot:
    return Snapshot(processes=[{"store_connected": each} for each in connected])


async def test_only_an_unreachable_store_is_refused_and_only_while_a_worker_has_one(valkey: Valkey) -> None:
    nowhere = f"redis://:a-password@127.0.0.1:{free_port()}"
    for url in (valkey.url, "embedded"):
        await check_store(settings(url), lambda: workers(True))
    await check_store(settings(nowhere), lambda: workers(False, False))
    with pytest.raises(ConfigurationError, match=r"store\.url: can't be used, while .*refused") as caught:
        await check_store(settings(nowhere), lambda: workers(False, True))
    assert "a-password" not in str(caught.value)
