import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.errors import StartError
from gateway.signing.master_keys import FILE, MasterKeys, master_keys


def test_a_key_is_made_once_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    state = tmp_path / "new" / "state"
    keys = master_keys((), state)
    assert [len(secret) for secret in keys.secrets] == [32]
    assert master_keys((), state) == keys
    assert stat.S_IMODE((state / FILE).stat().st_mode) == 0o600
    assert [path.name for path in state.iterdir()] == [FILE]


def test_many_workers_that_start_at_once_agree_on_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: master_keys((), tmp_path), range(64)))) == 1


def test_configured_keys_win_and_nothing_is_written(tmp_path: Path) -> None:
    assert master_keys(["k" * 40, "o" * 40], tmp_path).secrets == (b"k" * 40, b"o" * 40)
    assert not list(tmp_path.iterdir())


def test_a_damaged_key_keeps_the_gateway_from_starting(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"short")
    with pytest.raises(StartError, match="damaged"):
        master_keys((), tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="token key"):
        master_keys((), tmp_path / "file")


def test_each_purpose_has_keys_of_its_own_in_the_order_of_the_master_keys() -> None:
    keys = MasterKeys((b"new", b"old"))
    assert keys.derive("tag")[0] == MasterKeys((b"new",)).derive("tag")[0]
    assert keys.derive("tag")[1] == MasterKeys((b"old",)).derive("tag")[0]
    assert len({*keys.derive("tag"), *keys.derive("seal")}) == 4


def test_keys_are_not_shown_where_they_are_printed() -> None:
    assert "secret" not in repr(MasterKeys((b"secret",)))
