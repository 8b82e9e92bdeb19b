"""Locks on a directory that the kernel gives back when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """An exclusive flock on a file. A program that is handed `descriptor` holds it too, until it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor: int | None = None

    def take(self) -> bool:
        """True if the lock is held now; False while somebody else holds it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self.descriptor = descriptor
        return True

    def held(self) -> bool:
        """Whether anybody holds the lock now."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            # Shared: two that only look do not take each other for its holder.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def sign(self) -> None:
        """Writes who holds it, for the error that others show."""
        if self.descriptor is not None:
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, str(os.getpid()).encode(), 0)

    def signer(self) -> int | None:
        """The process id that the holder has written."""
        return read_pid(self._path)

    def close(self) -> None:
        """Gives up this process's hold, not that of programs it was handed to."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def release(self) -> None:
        """Unlocks for everybody, worker processes that inherited the descriptor too."""
        if self.descriptor is not None:
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)
            self.close()


def read_pid(path: Path) -> int | None:
    """The process id in a file; None where there is no sound one."""
    try:
        text = path.read_bytes().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and len(text) < 10 and int(text) > 1 else None  # noqa: PLR2004 (a pid's digits; init is 1)


def alive(pid: int) -> bool:
    """Whether there is a process of this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
