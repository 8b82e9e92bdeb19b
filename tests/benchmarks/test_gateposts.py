"""The Gateposts that are measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.gateposts import COMPILED_PYTHON, Around, gatepost
from benchmarks.names import COMPILED, COMPILED_ON_REDIS, GATEPOST, ON_REDIS
from benchmarks.signed import Signer
from benchmarks.stand import Stand


def test_the_compiled_edition_is_run_from_where_it_is_installed(tmp_path: Path) -> None:
    around = Around(1, 2, 3, Signer())
    assert gatepost(COMPILED, tmp_path, around).command()[0] == str(COMPILED_PYTHON)
    assert gatepost(GATEPOST, tmp_path, around).command()[0] != str(COMPILED_PYTHON)


@pytest.mark.parametrize(("compiled", "like"), [(COMPILED, GATEPOST), (COMPILED_ON_REDIS, ON_REDIS)])
def test_the_compiled_edition_does_the_same_work(compiled: str, like: str, tmp_path: Path) -> None:
    around = Around(1, 2, 3, Signer())
    one, other = (_settings(gatepost(name, tmp_path, around).command()) for name in (compiled, like))
    for section in ("clients", "upstreams", "routes", "plugins"):
        assert one[section] == other[section]


def test_each_that_uses_the_redis_apart_has_a_database_of_its_own(tmp_path: Path) -> None:
    around = Around(1, 2, 3, Signer())
    urls = [
        _settings(gatepost(name, tmp_path, around).command())["store"]["url"]
        for name in (ON_REDIS, COMPILED_ON_REDIS)
    ]
    assert urls == ["redis://127.0.0.1:2/0", "redis://127.0.0.1:2/2"]


def _settings(command: Sequence[str]) -> dict[str, Any]:
    found = yaml.safe_load(Path(command[-1]).read_text())
    assert isinstance(found, dict)
    return found


def test_it_is_left_out_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.stand.COMPILED_PYTHON", tmp_path / "python")
    stand = Stand(tmp_path, tmp_path, [COMPILED])
    assert list(stand._possible()) == []
    assert stand.missing == {COMPILED: "not installed: see scripts/test-compiled --install"}
