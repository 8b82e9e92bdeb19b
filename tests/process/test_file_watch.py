"""Watching the files of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.config.model import Settings
from gateway.plugin.catalog import PluginCatalog
from gateway.process.file_watch import INTERVAL, FileWatch
from tests.certificates import Certificate

CONFIG = """\
include: ['more.d/*.yaml']
server: {watch: true}
store: {url: "rediss://store.example?ssl_ca_certs=ca.pem"}
clients: [{id: a, secrets: ["${file:secret.txt}"]}]
"""


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more.d").mkdir()
    Certificate("CN=store").file(tmp_path, "ca")
    (tmp_path / "secret.txt").write_text("a-secret-that-is-long-enough")
    (tmp_path / "gateway.yaml").write_text(CONFIG)
    return load(Path("gateway.yaml"), {}, PluginCatalog())


def looks(watch: FileWatch, ticks: Ticks, times: int = 3) -> list[bool]:
    """What it says at so many looks."""
    found = []
    for _ in range(times):
        ticks.now += INTERVAL
        found.append(watch.changed())
    return found


@pytest.mark.parametrize("file", ["gateway.yaml", "secret.txt", "more.d/new.yaml", "ca.pem"])
def test_a_change_that_stays_is_said_once(settings: Settings, ticks: Ticks, file: str) -> None:
    watch = FileWatch(settings, ticks)
    assert looks(watch, ticks) == [False, False, False]
    Path(file).write_text("server: {watch: true, workers: 2}\n")
    assert looks(watch, ticks) == [False, True, False]


def test_a_file_that_is_still_being_written_is_left_alone(settings: Settings, ticks: Ticks) -> None:
    watch = FileWatch(settings, ticks)
    for size in range(1, 4):
        Path("gateway.yaml").write_text("#" * size)
        assert looks(watch, ticks, 1) == [False]
    assert looks(watch, ticks) == [True, False, False]


def test_a_file_that_goes_is_a_change(settings: Settings, ticks: Ticks) -> None:
    watch = FileWatch(settings, ticks)
    Path("secret.txt").unlink()
    assert looks(watch, ticks) == [False, True, False]


def test_what_is_written_while_the_file_is_loaded_is_not_missed(settings: Settings, ticks: Ticks) -> None:
    watch = FileWatch(settings, ticks)
    watch.before_load()
    Path("gateway.yaml").write_text(CONFIG + "# more\n")
    watch.loaded(settings)
    assert True in looks(watch, ticks)


def test_it_looks_once_a_second_and_only_if_asked_to(settings: Settings, ticks: Ticks) -> None:
    off = settings.model_copy(update={"server": settings.server.model_copy(update={"watch": False})})
    watch = FileWatch(off, ticks)
    Path("gateway.yaml").write_text("#")
    assert looks(watch, ticks) == [False, False, False]
    watch = FileWatch(settings, ticks)
    Path("gateway.yaml").write_text("##")
    assert [watch.changed() for _ in range(5)] == [False] * 5
