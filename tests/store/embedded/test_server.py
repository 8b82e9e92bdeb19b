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
from gateway.store.embedded.server import ValkeyProcess
from gateway.store.embedded.socket_path import StoreDirectory


@pytest.fixture
def place(tmp_path: Path) -> Iterator[StoreDirectory]:
    made = StoreDirectory(tmp_path / "state")
    made.prepare()
    made.publish()
    yield made
    made.unpublish()


@pytest.fixture
def server(place: StoreDirectory) -> Iterator[ValkeyProcess]:
    """One that answers."""
    made = ValkeyProcess(place)
    started(made)
    yield made
    made.stop()


def started(server: ValkeyProcess) -> None:
    assert server.claim()
    server.spawn()
    server.await_ready()


def pid_of(place: StoreDirectory) -> int:
    return int((place.folder / "valkey.pid").read_text())


def test_it_answers_when_it_is_ready(server: ValkeyProcess, place: StoreDirectory) -> None:
    assert server.running()
    with redis.Redis(unix_socket_path=str(place.socket), socket_timeout=5) as client:
        assert client.ping()


def test_no_second_one_can_be_claimed_while_it_runs(server: ValkeyProcess, place: StoreDirectory) -> None:
    assert not ValkeyProcess(place).claim()
    server.stop()
    other = ValkeyProcess(place)
    assert other.claim()
    other.stop()


def test_ended_it_has_written_everything_down(server: ValkeyProcess, place: StoreDirectory) -> None:
    pid = pid_of(place)
    with redis.Redis(unix_socket_path=str(place.socket), socket_timeout=5) as client:
        client.set("kept", "yes")
    server.stop()
    server.stop()
    assert not server.running()
    assert not alive(pid)
    again = ValkeyProcess(place)
    started(again)
    with redis.Redis(unix_socket_path=str(place.socket), socket_timeout=5) as client:
        assert client.get("kept") == b"yes"
    again.stop()


def test_one_that_does_not_end_is_ended_by_force(
    server: ValkeyProcess, place: StoreDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = pid_of(place)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr("gateway.store.embedded.server.TIMEOUT", 0.2)
    server.stop()
    assert not alive(pid)


def test_one_that_was_left_behind_is_ended_before_the_next(
    server: ValkeyProcess, place: StoreDirectory
) -> None:
    following = ValkeyProcess(place)
    following.stop_orphan()
    assert not server.running()
    following.spawn()
    following.await_ready()
    following.stop()


def test_its_log_is_for_its_owner_and_the_one_before_is_kept(
    server: ValkeyProcess, place: StoreDirectory
) -> None:
    log = place.folder / "valkey.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    server.stop()
    before = log.read_text()
    started(server)
    assert (place.folder / "valkey.log.old").read_text() == before
    assert f"{log} ends:" in server.log_tail()
    assert len(server.log_tail().splitlines()) <= 9


def test_without_a_log_there_are_no_last_words(place: StoreDirectory) -> None:
    assert ValkeyProcess(place).log_tail() == f"{place.folder}/valkey.log ends:"


def test_one_that_ends_at_once_says_why(place: StoreDirectory) -> None:
    folder = place.folder / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("nonsense\n")
    server = ValkeyProcess(place)
    assert server.claim()
    server.spawn()
    with pytest.raises(StartError, match=r"did not start; .*valkey\.log ends:\n"):
        server.await_ready()
    server.stop()


def test_a_place_that_is_gone_is_named_and_nothing_is_kept(place: StoreDirectory, tmp_path: Path) -> None:
    server = ValkeyProcess(place)
    assert server.claim()
    (place.folder / "server.lock").unlink()
    (place.folder / "url").unlink()
    place.folder.rmdir()
    with pytest.raises(StartError, match=rf"{place.folder} can't be started: No such file"):
        server.spawn()
    assert not server.running()
    place.folder.mkdir()
