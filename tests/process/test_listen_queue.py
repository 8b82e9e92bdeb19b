"""A listening socket that takes nothing new, and still gives out what has come before."""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.process.listen_queue import queue_length, refuse_new, refuses_new

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can do it")


@pytest.fixture(params=["tcp", "unix"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    family = socket.AF_INET if request.param == "tcp" else socket.AF_UNIX
    with socket.socket(family) as sock:
        sock.bind(("127.0.0.1", 0) if family == socket.AF_INET else str(tmp_path / "s"))
        sock.listen(5)
        sock.setblocking(False)
        yield sock


def test_what_waits_in_the_queue_is_still_accepted(listening: socket.socket) -> None:
    assert not refuses_new(listening)
    with socket.socket(listening.family) as client:
        client.connect(listening.getsockname())
        client.sendall(b"before")
        refuse_new(listening)
        client.sendall(b" and after")
        accepted, _ = listening.accept()
        with accepted:
            client.shutdown(socket.SHUT_WR)
            assert accepted.makefile("rb").read() == b"before and after"


def test_nothing_new_comes_into_the_queue(listening: socket.socket) -> None:
    refuse_new(listening)
    with socket.socket(listening.family) as client:
        client.setblocking(False)
        with pytest.raises((BlockingIOError, ConnectionRefusedError)):
            client.connect(listening.getsockname())
        assert select.select([], [client], [], 0.1)[1] == [] or listening.family == socket.AF_UNIX
        with pytest.raises(OSError):  # noqa: PT011 (EAGAIN, or EINVAL for a Unix socket)
            listening.accept()


def test_every_process_that_has_the_socket_sees_it(listening: socket.socket) -> None:
    with listening.dup() as other:
        refuse_new(other)
    assert refuses_new(listening)


def test_a_closed_socket_is_left_alone(listening: socket.socket) -> None:
    listening.close()
    refuse_new(listening)
    assert not refuses_new(listening)


def test_how_many_wait_is_known_before_they_are_accepted(listening: socket.socket) -> None:
    if listening.family == socket.AF_UNIX:
        pytest.skip("Linux does not say it of Unix sockets")
    assert queue_length(listening) == 0
    with socket.create_connection(listening.getsockname()), socket.create_connection(listening.getsockname()):
        assert queue_length(listening) == 2
        listening.accept()[0].close()
        assert queue_length(listening) == 1


def test_of_a_unix_socket_it_is_not_known_how_many_wait(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s"))
        sock.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(sock.getsockname())
            assert queue_length(sock) == 0
