import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.errors import StartError
from gateway.keys import FILE, master_key


def test_a_key_is_made_once_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    state = tmp_path / "new" / "state"
    key = master_key(None, state)
    assert len(key) == 32
    assert master_key(None, state) == key
    assert stat.S_IMODE((state / FILE).stat().st_mode) == 0o600
    assert [path.name for path in state.iterdir()] == [FILE]


def test_many_workers_that_start_at_once_agree_on_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: master_key(None, tmp_path), range(64)))) == 1


def test_a_configured_key_wins_and_nothing_is_written(tmp_path: Path) -> None:
    assert master_key("k" * 40, tmp_path) == b"k" * 40
    assert not list(tmp_path.iterdir())


def test_a_damaged_key_keeps_the_gateway_from_starting(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"short")
    with pytest.raises(StartError, match="damaged"):
        master_key(None, tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="token key"):
        master_key(None, tmp_path / "file")
