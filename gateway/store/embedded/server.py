"""The Valkey server as a child process: spawned, asked whether it is ready, ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from gateway.errors import StartError
from gateway.store.embedded.binary import find_binary, tied_to_parent
from gateway.store.embedded.lock import FileLock, read_pid
from gateway.store.embedded.place import AOF_FOLDER, LOG, PID_FILE, SOCKET, Place
from gateway.store.embedded.tail import cut_zeros

GLANCE = 0.003
"""Seconds between two looks at something that is about to happen."""
PATIENCE = 10.0
"""Seconds for the server to begin to answer, or to end, before it is ended by force."""
LOG_LINES = 8
"""How much of the server's log an error shows."""

OPTIONS = {
    "--port": "0",
    "--unixsocket": SOCKET,
    "--unixsocketperm": "600",
    "--pidfile": PID_FILE,
    "--databases": "1",
    "--maxmemory-policy": "noeviction",
    "--save": "",
    "--appendonly": "yes",
    "--appendfsync": "everysec",
    "--appenddirname": AOF_FOLDER,
    "--aof-load-truncated": "yes",
}


class Server:
    """One server in one place. It holds a lock there, so no second one can write to the same files."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = FileLock(place.folder / "server.lock")
        self._child: subprocess.Popen[bytes] | None = None

    def claim(self) -> bool:
        """Takes the lock for a server about to be spawned. False while an earlier one still runs."""
        return self._lock.take()

    def spawn(self) -> None:
        """Starts the program, without waiting until it is ready. The lock is claimed before."""
        folder, lock = self._place.folder, self._lock.descriptor
        assert lock is not None  # noqa: S101 (the callers claim first)
        try:
            # Nobody holds the lock, so whatever lies there was left by a server that is no more.
            (folder / PID_FILE).unlink(missing_ok=True)
            (folder / SOCKET).unlink(missing_ok=True)
            cut_zeros(folder / AOF_FOLDER)
            words = [*tied_to_parent(), str(find_binary()), *chain.from_iterable(OPTIONS.items())]
            with _fresh(folder / LOG) as log:
                self._child = subprocess.Popen(  # noqa: S603 (our own program and words)
                    words,
                    cwd=folder,
                    env={"LC_ALL": "C"},  # secrets in the gateway's environment are none of its business
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock,),
                    start_new_session=True,  # Ctrl-C in the terminal is for the gateway alone
                )
        except OSError as error:
            raise StartError(f"The embedded store in {folder} can't be started: {error.strerror}") from None
        finally:
            self._lock.close()

    def running(self) -> bool:
        """Whether the child lives."""
        return self._child is not None and self._child.poll() is None

    def await_ready(self) -> None:
        """Returns when the server answers. Raises StartError with the end of its log where it does not."""
        deadline = time.monotonic() + PATIENCE
        while (answer := self._ping()) != b"+PONG\r\n":
            if answer.startswith(b"-LOADING"):
                deadline = time.monotonic() + PATIENCE
            if not self.running() or time.monotonic() > deadline:
                raise StartError(f"The embedded store did not start; {self.last_words()}")
            time.sleep(GLANCE)

    def end(self) -> None:
        """Lets the server write everything down and end; by force if that takes too long."""
        self._lock.close()
        if self._child is None:
            return
        if self.running():
            self._child.terminate()
        try:
            self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def end_orphan(self) -> None:
        """Ends the server that a killed gateway has left, and claims its lock.

        The process id is believed because the lock is held: a server writes its id down when it starts,
        and what an earlier one has written is removed before.
        """
        for word in (signal.SIGTERM, signal.SIGKILL):
            told = None
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                if self.claim():
                    return
                pid = read_pid(self._place.folder / PID_FILE)
                if pid is not None and pid != told:
                    told = pid
                    with suppress(ProcessLookupError):
                        os.kill(pid, word)
                time.sleep(GLANCE)
        raise StartError(f"Another store server runs in {self._place.folder} and can't be ended")

    def last_words(self) -> str:
        """Where the server's log is, and its end."""
        path = self._place.folder / LOG
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        return "\n".join([f"{path} ends:", *lines[-LOG_LINES:]])

    def _ping(self) -> bytes:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            try:
                client.connect(os.fspath(self._place.socket))
                client.sendall(b"PING\r\n")
                return client.recv(512)
            except OSError:
                return b""


def _fresh(path: Path) -> BinaryIO:
    """A log of this run; the one before is kept beside it."""
    if path.exists():
        path.replace(path.with_name(f"{path.name}.old"))
    return open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600))
