"""Unix sockets: stale ones are replaced, live ones and other files are not."""

import os
import socket
import stat
from pathlib import Path

import pytest

from gateway.errors import StartError
from gateway.process.listeners import ListenAddress, ListenSocket, listen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "g.sock"


def listening(path: Path, mode: int = 0o660, workers: int = 1) -> ListenSocket:
    (made,) = listen([ListenAddress("", 0, unix=path, mode=mode)], workers)
    return made


def test_it_listens_with_its_permissions_and_removes_its_file(path: Path) -> None:
    made = listening(path, mode=0o600, workers=2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(made.address) == f"unix:{path}"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    made.close()
    assert not path.exists()


def test_a_stale_socket_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    listening(path).close()


def test_a_live_socket_is_left_alone(path: Path) -> None:
    first = listening(path)
    with pytest.raises(StartError, match=f"can't listen on unix:{path}: address already in use"):
        listening(path)
    assert path.exists()
    first.close()


@pytest.mark.parametrize("kind", ["file", "directory", "nowhere"])
def test_other_files_are_left_alone(path: Path, kind: str) -> None:
    if kind == "file":
        path.write_text("precious")
    elif kind == "directory":
        path.mkdir()
    else:
        path = path / "missing" / "g.sock"
    with pytest.raises(StartError, match=r"is not a socket|does not exist"):
        listening(path)
    assert kind != "file" or path.read_text() == "precious"


def test_the_socket_of_a_successor_is_not_removed(path: Path) -> None:
    first = listening(path)
    path.rename(path.with_suffix(".old"))
    second = listening(path)
    first.close()
    assert path.exists()
    second.close()


def test_a_worker_does_not_remove_the_socket_of_its_parent(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = listening(path)
    with monkeypatch.context() as worker:
        worker.setattr(os, "getpid", lambda: 1)
        made.close()
    assert path.exists()
    made.close()
    assert not path.exists()
