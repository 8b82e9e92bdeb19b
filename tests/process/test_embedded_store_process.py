"""The store that workers are given."""

import os
import signal
import time
from pathlib import Path

import pytest

from gateway.config.model import Settings
from gateway.errors import StartError
from gateway.process.embedded_store_process import CHECK_INTERVAL, open_store
from gateway.store.embedded import running_url
from gateway.store.embedded.socket_path import AOF_FOLDER


def settings(folder: Path, url: str = "embedded") -> Settings:
    return Settings.model_validate({"server": {"state_dir": str(folder)}, "store": {"url": url}})


def test_the_embedded_store_lives_as_long_as_it_is_needed(tmp_path: Path) -> None:
    with open_store(settings(tmp_path)) as store:
        store.await_ready()
        assert store.url(settings(tmp_path)).startswith("unix:///")
        store.ensure()
        assert running_url(tmp_path) is not None
    assert running_url(tmp_path) is None


def test_it_is_started_anew_where_it_dies(tmp_path: Path) -> None:
    with open_store(settings(tmp_path)) as store:
        store.await_ready()
        pid_file = tmp_path / "store" / "valkey.pid"
        first = int(pid_file.read_text())
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while not pid_file.exists() or pid_file.read_text().strip() in ("", str(first)):
            assert time.monotonic() < deadline
            store.ensure()
            time.sleep(CHECK_INTERVAL / 10)


def test_somebody_elses_store_is_only_pointed_to(tmp_path: Path) -> None:
    wanted = settings(tmp_path, "redis://one:6379")
    with open_store(wanted) as store:
        store.await_ready()
        store.ensure()
        assert store.url(wanted) == "redis://one:6379"
        assert store.url(settings(tmp_path, "redis://two:6379")) == "redis://two:6379"
    assert list(tmp_path.iterdir()) == []


def test_a_directory_in_use_is_a_clear_error(tmp_path: Path) -> None:
    with (
        open_store(settings(tmp_path)),
        pytest.raises(StartError, match="in use by another gateway"),
        open_store(settings(tmp_path)),
    ):
        pass


def test_a_server_that_ends_before_it_answers_is_a_clear_error(tmp_path: Path) -> None:
    damaged = tmp_path / "store" / AOF_FOLDER / "appendonly.aof.manifest"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("damaged")
    with open_store(settings(tmp_path)) as store, pytest.raises(StartError, match="store did not start"):
        store.await_ready()
    with open_store(settings(tmp_path / "other")) as store:
        store.await_ready()
