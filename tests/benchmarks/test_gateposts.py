"""The Gateposts that are measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.gateposts import COMPILED_PYTHON, Around, gatepost
from benchmarks.names import COMPILED, GATEPOST
from benchmarks.signed import Signer
from benchmarks.stand import Stand


def test_the_compiled_edition_is_run_from_where_it_is_installed(tmp_path: Path) -> None:
    around = Around(1, 2, 3, Signer())
    assert gatepost(COMPILED, tmp_path, around).command()[0] == str(COMPILED_PYTHON)
    assert gatepost(GATEPOST, tmp_path, around).command()[0] != str(COMPILED_PYTHON)


def test_it_is_left_out_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.stand.COMPILED_PYTHON", tmp_path / "python")
    stand = Stand(tmp_path, tmp_path, [COMPILED])
    assert list(stand._possible()) == []
    assert stand.missing == {COMPILED: "not installed: see scripts/test-compiled --install"}
