"""The Valkey server as a child process."""

from __future__ import annotations

import errno
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
from gateway.runtime.child_process import Lifeline
from gateway.store.embedded.aof_repair import truncate_zeros
from gateway.store.embedded.binary import find_binary
from gateway.store.embedded.lock import FileLock, read_pid
from gateway.store.embedded.socket_path import AOF_FOLDER, LOG, PID_FILE, SOCKET, StoreDirectory

POLL_INTERVAL = 0.003
"""Seconds between two polls."""
TIMEOUT = 10.0
"""Seconds for the server to become ready, or to exit before it is killed."""
FULL = os.strerror(errno.ENOSPC)
LOG_LINES = 8
"""Lines of the server's log shown in errors."""

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


class ValkeyProcess:
    """The server of one directory. Its lock keeps a second server from writing to the same files."""

    def __init__(self, directory: StoreDirectory) -> None:
        self._directory = directory
        self._lock = FileLock(directory.folder / "server.lock")
        self._child: subprocess.Popen[bytes] | None = None
        self._adopted = False
        """Whether another process has started it, and this one looks after it."""
        self.lifeline: Lifeline | None = None
        """With what it ends; None: only this process ends it."""

    def adopt(self) -> None:
        """Looks after the server that another process has started."""
        self._adopted = True

    def claim(self) -> bool:
        """Acquires the lock before `spawn`. False while an earlier server still runs."""
        return self._lock.take()

    def spawn(self) -> None:
        """Starts the server without waiting until it is ready. Call `claim` first."""
        folder, lock = self._directory.folder, self._lock.descriptor
        assert lock is not None  # noqa: S101 (callers call `claim` first)
        try:
            # The lock was free, so these files were left by a dead server.
            (folder / PID_FILE).unlink(missing_ok=True)
            (folder / SOCKET).unlink(missing_ok=True)
            truncate_zeros(folder / AOF_FOLDER)
            command = [str(find_binary()), *chain.from_iterable(OPTIONS.items())]
            with _open_log(folder / LOG) as log:
                self._child = subprocess.Popen(  # noqa: S603 (fixed program and arguments)
                    command,
                    cwd=folder,
                    env={"LC_ALL": "C"},  # keeps secrets in the gateway's environment from it
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock,),
                    start_new_session=True,  # Ctrl-C must reach the gateway only
                )
            self._adopted = False
            if self.lifeline is not None:
                self.lifeline.guard(self._child.pid, folder / PID_FILE)
        except OSError as error:
            raise StartError(f"The embedded store in {folder} can't be started: {error.strerror}") from None
        finally:
            self._lock.close()

    def running(self) -> bool:
        """Whether the server is running."""
        if self._adopted:
            return self._lock.held()
        return self._child is not None and self._child.poll() is None

    def await_ready(self) -> None:
        """Waits until the server answers PING. StartError with the end of its log if it does not."""
        deadline = time.monotonic() + TIMEOUT
        while (reply := self._ping()) != b"+PONG\r\n":
            if reply.startswith(b"-LOADING"):
                deadline = time.monotonic() + TIMEOUT
            if not self.running() or time.monotonic() > deadline:
                raise StartError(self._start_failure())
            time.sleep(POLL_INTERVAL)

    def stop(self) -> None:
        """Stops the server gracefully; kills it after `TIMEOUT` seconds."""
        self._lock.close()
        if self._adopted:
            self._end(signal.SIGTERM, signal.SIGKILL)
            self._lock.close()
        if self._child is None:
            return
        if self.running():
            self._child.terminate()
        try:
            self._child.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kills a server that does not answer."""
        if self._adopted:
            self._end(signal.SIGKILL)
            self._lock.close()
        elif self._child is not None:
            self._child.kill()
            self._child.wait()
        # Nobody may take another process with this number for it.
        (self._directory.folder / PID_FILE).unlink(missing_ok=True)

    def stop_orphan(self) -> None:
        """Stops the server that a killed gateway has left, and acquires its lock.

        The pid file is trusted while the lock is held: a server writes it when it starts, and older ones are
        removed before.
        """
        if not self._end(signal.SIGTERM, signal.SIGKILL):
            raise StartError(f"Another store server runs in {self._directory.folder} and can't be ended")

    def _end(self, *signals: signal.Signals) -> bool:
        """Ends the server that has the lock, which is this process's then. False: it does not end."""
        for signum in signals:
            signaled = None
            deadline = time.monotonic() + TIMEOUT
            while time.monotonic() < deadline:
                if self.claim():
                    return True
                pid = read_pid(self._directory.folder / PID_FILE)
                if pid is not None and pid != signaled:
                    signaled = pid
                    with suppress(ProcessLookupError):
                        os.kill(pid, signum)
                time.sleep(POLL_INTERVAL)
        return False

    def _start_failure(self) -> str:
        """Why it did not start: a line where the reason is plain, else the end of its log."""
        tail = self.log_tail()
        if FULL in tail:
            return f"The embedded store in {self._directory.folder} can't be started: {FULL}"
        return f"The embedded store did not start; {tail}"

    def log_tail(self) -> str:
        """The path of the server's log and its last lines."""
        path = self._directory.folder / LOG
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        return "\n".join([f"{path} ends:", *lines[-LOG_LINES:]])

    def _ping(self) -> bytes:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT)
            try:
                client.connect(os.fspath(self._directory.socket))
                client.sendall(b"PING\r\n")
                return client.recv(512)
            except OSError:
                return b""


def _open_log(path: Path) -> BinaryIO:
    """Opens a new log file and keeps the previous one as `.old`."""
    if path.exists():
        path.replace(path.with_name(f"{path.name}.old"))
    return open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600))
