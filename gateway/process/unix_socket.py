"""Listening on a Unix socket: a stale one is replaced, a live one is not."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

PROBE_TIMEOUT = 1.0
"""Seconds for a process that may be listening to accept: one that is too busy is alive."""


class SocketInUseError(OSError):
    """The path can't be bound. `strerror` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(0, reason)


def bind_unix(path: Path, mode: int) -> socket.socket:
    """A socket bound at `path` with these permissions, not yet listening. OSError if it can't be bound."""
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The file must never have other permissions, not even until a chmod().
    previous = os.umask(0o777 & ~mode)
    try:
        sock.bind(str(path))
    except BaseException:
        sock.close()
        raise
    finally:
        os.umask(previous)
    return sock


def _remove_stale(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SocketInUseError("the file exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_TIMEOUT)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except FileNotFoundError:
            return
        except TimeoutError:
            pass
    raise SocketInUseError("address already in use by another process")


class SocketFile:
    """The file of a bound Unix socket. Only the process that has bound it, or taken it over, removes it."""

    def __init__(self, path: Path, *, owned: bool = True) -> None:
        self._path = path
        self._owner = os.getpid() if owned else None
        self._identity = _identity_of(path)

    def own(self) -> None:
        """From now on this process removes it."""
        self._owner = os.getpid()

    def disown(self) -> None:
        """From now on another process removes it."""
        self._owner = None

    def remove(self) -> None:
        """Removes the file, unless it belongs to another socket by now, or this is a worker process."""
        if os.getpid() == self._owner and _identity_of(self._path) == self._identity:
            with contextlib.suppress(OSError):
                self._path.unlink()


def _identity_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
