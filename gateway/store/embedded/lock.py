"""File locks that the kernel releases when their holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """An exclusive flock on a file. A child process that inherits `descriptor` also holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor: int | None = None

    def inherit(self, descriptor: int) -> None:
        """Shares the lock of another process, whose descriptor was passed to this one."""
        os.set_inheritable(descriptor, False)  # noqa: FBT003 (the standard library's spelling)
        self.descriptor = descriptor

    def take(self) -> bool:
        """Tries to acquire the lock. False if another process holds it."""
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
        """Whether any process holds the lock."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            # A shared lock, so that concurrent checks don't block each other.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def write_holder(self) -> None:
        """Writes the holder's process id, for error messages of others."""
        if self.descriptor is not None:
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, str(os.getpid()).encode(), 0)

    def holder_pid(self) -> int | None:
        """The process id written by the holder."""
        return read_pid(self._path)

    def close(self) -> None:
        """Closes this process's descriptor; child processes that inherited it keep the lock."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def release(self) -> None:
        """Unlocks the file, also for processes that inherited the descriptor."""
        if self.descriptor is not None:
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)
            self.close()


def read_pid(path: Path) -> int | None:
    """The process id in a file; None if it is missing or malformed."""
    try:
        text = path.read_bytes().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and len(text) < 10 and int(text) > 1 else None  # noqa: PLR2004 (a pid's digits; init is 1)


def alive(pid: int) -> bool:
    """Whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
