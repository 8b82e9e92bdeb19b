"""The server as a child process: one at a time in a place, asked until it answers, ended in good order."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from gateway.errors import StartError
from gateway.store.embedded.lock import alive
from gateway.store.embedded.place import Place
from gateway.store.embedded.server import Server


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "state")
    made.prepare()
    made.publish()
    yield made
    made.withdraw()


@pytest.fixture
def server(place: Place) -> Iterator[Server]:
    """One that answers."""
    made = Server(place)
    started(made)
    yield made
    made.end()


def started(server: Server) -> None:
    assert server.claim()
    server.spawn()
    server.await_ready()


def pid_of(place: Place) -> int:
    return int((place.folder / "valkey.pid").read_text())


def test_it_answers_when_it_is_ready(server: Server, place: Place) -> None:
    assert server.running()
    with redis.Redis(unix_socket_path=str(place.socket), socket_timeout=5) as client:
        assert client.ping()


def test_no_second_one_can_be_claimed_while_it_runs(server: Server, place: Place) -> None:
    assert not Server(place).claim()
    server.end()
    other = Server(place)
    assert other.claim()
    other.end()


def test_ended_it_has_written_everything_down(server: Server, place: Place) -> None:
    pid = pid_of(place)
    with redis.Redis(unix_socket_path=str(place.socket), socket_timeout=5) as client:
        client.set("kept", "yes")
    server.end()
    server.end()
    assert not server.running()
    assert not alive(pid)
    again = Server(place)
    started(again)
    with redis.Redis(unix_socket_path=str(place.socket), socket_timeout=5) as client:
        assert client.get("kept") == b"yes"
    again.end()


def test_one_that_does_not_end_is_ended_by_force(
    server: Server, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = pid_of(place)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr("gateway.store.embedded.server.PATIENCE", 0.2)
    server.end()
    assert not alive(pid)


def test_one_that_was_left_behind_is_ended_before_the_next(server: Server, place: Place) -> None:
    following = Server(place)
    following.end_orphan()
    assert not server.running()
    following.spawn()
    following.await_ready()
    following.end()


def test_its_log_is_for_its_owner_and_the_one_before_is_kept(server: Server, place: Place) -> None:
    log = place.folder / "valkey.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    server.end()
    before = log.read_text()
    started(server)
    assert (place.folder / "valkey.log.old").read_text() == before
    assert f"{log} ends:" in server.last_words()
    assert len(server.last_words().splitlines()) <= 9


def test_without_a_log_there_are_no_last_words(place: Place) -> None:
    assert Server(place).last_words() == f"{place.folder}/valkey.log ends:"


def test_one_that_ends_at_once_says_why(place: Place) -> None:
    folder = place.folder / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("nonsense\n")
    server = Server(place)
    assert server.claim()
    server.spawn()
    with pytest.raises(StartError, match=r"did not start; .*valkey\.log ends:\n"):
        server.await_ready()
    server.end()


def test_a_place_that_is_gone_is_named_and_nothing_is_kept(place: Place, tmp_path: Path) -> None:
    server = Server(place)
    assert server.claim()
    (place.folder / "server.lock").unlink()
    (place.folder / "url").unlink()
    place.folder.rmdir()
    with pytest.raises(StartError, match=rf"{place.folder} can't be started: No such file"):
        server.spawn()
    assert not server.running()
    place.folder.mkdir()
