"""Listeners of one configuration and of the next: kept, added, taken away, or nothing at all.

Other listeners are other addresses of the loopback network, each with a free port.
"""

from __future__ import annotations

import socket
import stat
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from gateway.config.model import Settings
from gateway.errors import StartError
from gateway.process.listeners import ListenSocket, WorkerShare, start_listening
from gateway.process.open_listeners import OpenListeners, open_listeners
from gateway.process.sockets import ListenSockets

ONE, TWO, THREE = ({"host": f"127.0.0.{last}", "port": 0} for last in (1, 2, 3))
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs all of 127.0.0.0/8, and SO_REUSEPORT")


def settings(*listeners: dict[str, Any], workers: int = 1) -> Settings:
    server = {"listen": list(listeners), "workers": workers}
    return Settings.model_validate({"server": server, "management": False})


def opened(*listeners: dict[str, Any], workers: int = 1) -> AbstractContextManager[OpenListeners]:
    return open_listeners(settings(*listeners, workers=workers))


def serve(sockets: ListenSockets) -> None:
    """As workers do when they can serve."""
    for listener in sockets.public:
        for each in listener.sockets:
            start_listening(each)


def connects(listener: ListenSocket | tuple[str, int]) -> bool:
    where = listener if isinstance(listener, tuple) else (listener.address.host, listener.address.port)
    try:
        socket.create_connection(where, timeout=10).close()
    except ConnectionError:
        return False
    return True


@linux
def test_what_stays_is_the_same_socket_and_what_is_new_waits_for_workers() -> None:
    with opened(ONE, TWO) as listeners:
        one, two = listeners.current.public
        prepared = listeners.prepare(settings(TWO, THREE))
        kept, new = prepared.public
        assert kept.sockets == two.sockets
        assert not connects(new), "nobody would answer"
        assert connects(one), "nothing has changed yet"
        serve(prepared)
        gone = (one.address.host, one.address.port)
        listeners.adopt(prepared)
        assert connects(new)
        assert connects(kept)
        assert not connects(gone)
    assert [listener.sockets[0].fileno() for listener in (kept, new)] == [-1, -1]


@linux
def test_what_is_discarded_leaves_what_was() -> None:
    with opened(ONE) as listeners:
        prepared = listeners.prepare(settings(ONE, TWO, workers=3))
        serve(prepared)
        two = (prepared.public[1].address.host, prepared.public[1].address.port)
        listeners.discard(prepared)
        assert not connects(two)
        (one,) = listeners.current.public
        assert len(one.sockets) == 1
        assert all(connects(one) for _ in range(8)), "all go to the one socket that is left"


@linux
def test_an_address_that_is_taken_changes_nothing() -> None:
    with opened(TWO) as others, opened(ONE) as listeners:
        taken = {"host": "127.0.0.2", "port": others.current.public[0].address.port}
        with pytest.raises(StartError, match=r"127\.0\.0\.2:\d+: address already in use"):
            listeners.prepare(settings(THREE, taken))
        assert connects(listeners.current.public[0])


@linux
def test_each_further_worker_gets_a_socket_of_its_own() -> None:
    with opened(ONE) as listeners:
        before = listeners.current.public[0]
        prepared = listeners.prepare(settings(ONE, workers=3))
        serve(prepared)
        listeners.adopt(prepared)
        after = listeners.current.public[0]
        assert after.sockets[0] is before.sockets[0]
        assert after.address == before.address
        assert [len(after.share(WorkerShare(slot, 3))) for slot in range(3)] == [1, 1, 1]
        fewer = listeners.prepare(settings(ONE, workers=2)).public[0]
        assert fewer.sockets == after.sockets, "closing one would reset what waits in its queue"


@linux
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("hosts", [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0")])
def test_a_port_moves_from_all_addresses_to_one_and_back(hosts: tuple[str, str], workers: int) -> None:
    with opened({"host": hosts[0], "port": 0}, workers=workers) as listeners:
        port = listeners.current.public[0].address.port
        prepared = listeners.prepare(settings({"host": hosts[1], "port": port}, workers=workers))
        serve(prepared)
        listeners.adopt(prepared)
        assert listeners.current.public[0].address.host == hosts[1]
        assert connects(("127.0.0.1", port))


def test_tls_is_another_use_of_the_same_socket() -> None:
    with opened(ONE) as listeners:
        prepared = listeners.prepare(settings({**ONE, "tls": "auto"}))
        listeners.adopt(prepared)
        assert str(listeners.current.public[0].address).startswith("https://")
        assert connects(listeners.current.public[0])


def test_unix_sockets_come_and_go_with_their_files(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with opened({"unix": str(first)}) as listeners:
        listeners.adopt(listeners.prepare(settings({"unix": str(first), "mode": "0600"}, ONE)))
        assert stat.S_IMODE(first.stat().st_mode) == 0o600
        listeners.adopt(listeners.prepare(settings({"unix": str(second)})))
        assert not first.exists()
        assert second.is_socket()
        listeners.discard(listeners.prepare(settings({"unix": str(first)}, {"unix": str(second)})))
        assert not first.exists()
        assert second.is_socket()
    assert not second.exists()


def test_a_change_is_logged_with_the_port_that_was_found(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"), opened(ONE) as listeners:
        old = listeners.current.public[0].address
        listeners.adopt(listeners.prepare(settings({**ONE, "tls": "auto"})))
        new = listeners.current.public[0].address
        assert caplog.messages == [f"listening on {new}", f"no longer listening on {old}"]
