from pathlib import Path

import pytest

from gateway.errors import StartError
from gateway.store.address import parse_address
from gateway.store.embedded import running_url
from gateway.store.embedded.lock import FileLock
from gateway.store.embedded.socket_path import LOCK, MAX_SOCKET_PATH, StoreDirectory


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_makes_directories_for_the_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "state" / "store").mkdir(parents=True, mode=0o755)
    for state in (tmp_path / "state", tmp_path / "a" / "b"):
        place = StoreDirectory(state)
        place.prepare()
        assert mode(place.folder) == 0o700
    assert mode(tmp_path / "a" / "b") == 0o700


def test_a_state_directory_that_can_not_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StartError, match=r"state_dir .*file/state"):
        StoreDirectory(tmp_path / "file" / "state").prepare()


@pytest.mark.parametrize("name", ["state", "with a space", "quo'te\"", "p%20c?t#é@x"])
def test_its_url_leads_to_the_socket(tmp_path: Path, name: str) -> None:
    place = StoreDirectory(tmp_path / name)
    place.prepare()
    place.publish()

    assert parse_address(place.url).path == str(place.socket)
    gateway = FileLock(tmp_path / name / LOCK)
    assert running_url(tmp_path / name) is None
    gateway.take()
    assert running_url(tmp_path / name) == place.url
    place.unpublish()
    assert running_url(tmp_path / name) is None
    gateway.release()


def test_a_path_too_long_for_a_socket_is_reached_through_a_private_link(tmp_path: Path) -> None:
    place = StoreDirectory(tmp_path / ("x" * 100))
    place.prepare()
    place.publish()
    private = place.socket.parent.parent

    assert len(str(place.socket)) <= MAX_SOCKET_PATH
    assert place.socket.parent.resolve() == place.folder.resolve()
    assert mode(private) == 0o700
    gateway = FileLock(place.state_dir / LOCK)
    gateway.take()
    assert running_url(place.state_dir) == place.url
    gateway.release()
    place.unpublish()
    assert not private.exists()


def test_a_link_that_a_cleaner_took_is_made_anew(tmp_path: Path) -> None:
    place = StoreDirectory(tmp_path / ("x" * 100))
    place.prepare()
    place.publish()
    alias = place.socket.parent
    for taken in ([alias], [alias, alias.parent]):
        taken[0].unlink()
        for directory in taken[1:]:
            directory.rmdir()
        place.repair_link()
        assert alias.resolve() == place.folder.resolve()
        assert mode(alias.parent) == 0o700
    place.unpublish()


def test_when_no_short_path_can_be_had_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("y" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    place = StoreDirectory(tmp_path / ("x" * 100))
    place.prepare()

    with pytest.raises(StartError, match="too long"):
        place.publish()
    assert list(long.iterdir()) == []
