"""Socket activation: by hand, and by systemd's own activator."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config.model import Settings
from gateway.errors import StartError
from gateway.process.activation import ActivatedSocket, activated_sockets, place_activated
from tests.process.conftest import PROGRAM, small_config
from tests.running import START_LIMIT, Running

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
START = """
import fcntl, os, sys
descriptors, arguments = sys.argv[1].split(","), sys.argv[2:]
# Out of the way first, to numbers that are free.
for number, kept in enumerate([fcntl.fcntl(int(one), fcntl.F_DUPFD, 60) for one in descriptors]):
    os.dup2(kept, 3 + number)
    os.set_inheritable(3 + number, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="web:management")
os.execv(arguments[0], arguments)
"""
activator = shutil.which("systemd-socket-activate")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    link = Path(f"/tmp/gatepost-activation-{os.getpid()}")
    link.symlink_to(tmp_path)
    yield link
    link.unlink()


def settings(*listeners: dict[str, Any], management: Any = False) -> Settings:
    return Settings.model_validate({"server": {"listen": list(listeners)}, "management": management})


def answer(connection: socket.socket) -> bytes:
    connection.settimeout(START_LIMIT)
    with connection, connection.makefile("rb") as file:
        return file.readline()


def test_without_a_service_manager_there_are_none() -> None:
    assert activated_sockets({}) == []
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "2"}
    assert activated_sockets(environment) == [], "they are for another process"
    assert environment == {}, "and child processes must not take them for theirs"


def test_sockets_are_found_by_their_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [sock.getsockname()[1] for sock in (one, two)]
        listeners = [{"host": "127.0.0.1", "port": port} for port in (*ports, 0)]
        wanted = settings(listeners[2], listeners[1], management=listeners[0])
        found = place_activated([ActivatedSocket("a", one), ActivatedSocket("b", two)], wanted)
        assert [listener.sockets for listener in found.public] == [[two]]
        assert found.management is not None
        assert found.management.sockets == [one]


def test_a_socket_for_no_listener_is_an_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(StartError, match=rf"web \(127\.0\.0\.1 port {port}\)"):
            place_activated([ActivatedSocket("web", sock)], settings({"host": "127.0.0.1", "port": 0}))


class Activated:
    """What a service manager does: it opens sockets, keeps them, and starts the gateway with them."""

    def __init__(self, folder: Path, family: socket.AddressFamily, workers: int) -> None:
        self.listening = socket.socket(family)
        address: Any = ("127.0.0.1", 0) if family == socket.AF_INET else str(folder / "web.sock")
        self.listening.bind(address)
        self.listening.listen(100)
        self.management = socket.create_server(("127.0.0.1", 0))
        listen = (
            {"host": "127.0.0.1", "port": self.listening.getsockname()[1]}
            if family == socket.AF_INET
            else {"unix": str(folder / "web.sock")}
        )
        self.config = small_config(folder, workers=workers, listen=[listen])
        self.config["management"] = {"host": "127.0.0.1", "port": self.management.getsockname()[1]}
        self._folder = folder
        self._sockets = (self.listening, self.management)

    def start(self) -> Running:
        for sock in self._sockets:
            sock.set_inheritable(True)
        numbers = ",".join(str(sock.fileno()) for sock in self._sockets)
        starter = (sys.executable, "-c", START, numbers)
        return Running(self.config, self._folder, program=PROGRAM, starter=starter)

    def client(self) -> socket.socket:
        made = socket.socket(self.listening.family)
        made.settimeout(START_LIMIT)
        made.connect(self.listening.getsockname())
        made.sendall(GET)
        return made

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()


@pytest.mark.parametrize(
    ("family", "workers"), [(socket.AF_INET, 1), (socket.AF_INET, 2), (socket.AF_UNIX, 2)]
)
async def test_clients_wait_while_the_gateway_is_not_there(
    folder: Path, family: socket.AddressFamily, workers: int
) -> None:
    manager = Activated(folder, family, workers)
    early = manager.client()
    running = manager.start()
    await asyncio.to_thread(running.await_ready)
    assert await asyncio.to_thread(answer, early) == b"HTTP/1.1 200 OK\r\n"
    for pid in running.children() or [running.pid]:
        os.kill(pid, signal.SIGSTOP)
    late = [manager.client() for _ in range(4)]
    for pid in running.children():
        os.kill(pid, signal.SIGCONT)
    running.signal(signal.SIGTERM)
    running.signal(signal.SIGCONT)
    assert await running.ended() == 0
    # Accepted by the one that stops or by the next: nobody is refused.
    later = manager.client()
    running = manager.start()
    await asyncio.to_thread(running.await_ready)
    for one in (*late, later):
        assert await asyncio.to_thread(answer, one) == b"HTTP/1.1 200 OK\r\n"
    running.stop()
    manager.close()


async def test_a_socket_that_takes_both_families_is_refused_with_the_remedy(folder: Path) -> None:
    manager = Activated(folder, socket.AF_INET, 1)
    manager.management.close()
    manager.management = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    manager._sockets = (manager.listening, manager.management)
    running = manager.start()
    assert await running.ended(START_LIMIT) == 1
    assert running.lines == [
        "gatepost: descriptor 4 of the service manager takes IPv4 and IPv6: "
        "write ListenStream=0.0.0.0:PORT, or BindIPv6Only=ipv6-only"
    ]
    manager.close()


@pytest.mark.skipif(activator is None, reason="needs systemd-socket-activate")
async def test_systemd_starts_the_gateway_with_its_first_client(folder: Path) -> None:
    assert activator is not None
    path = folder / "web.sock"
    running = Running(
        small_config(folder, listen=[{"unix": str(path)}]),
        folder,
        starter=(activator, f"--listen={path}", "--fdname=web", "--setenv=PYTHONPATH"),
        program=PROGRAM,
    )
    async with asyncio.timeout(START_LIMIT):
        while not path.is_socket():  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.02)
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(GET)
    assert (await asyncio.wait_for(reader.readline(), START_LIMIT)) == b"HTTP/1.1 200 OK\r\n"
    writer.close()
    await running.line(rf"ready on unix:{path}")
    running.stop()
    assert path.is_socket(), "the socket is systemd's"
