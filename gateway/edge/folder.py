"""The directory of a running edge: its files with keys, and the sockets to the workers."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gateway.errors import StartError
from gateway.export.envoy_clusters import Json
from gateway.runtime.private_file import write_private_file

PREFIX = "edge-"
LOCK = "lock"
MAX_SOCKET_PATH = 103
"""Maximum bytes of a socket path on every platform (macOS has the lowest limit)."""


class EdgeFolder:
    """A directory of its own in `state_dir`, mode 0700, removed at the end.

    A gateway that takes another's place has its own beside it. What a killed one has left is removed by the
    next. Where its path is too long for sockets, they are in a private temporary directory.
    """

    def __init__(self, state_dir: Path) -> None:
        """Makes the directory. StartError if that fails."""
        self._owner = os.getpid()
        try:
            state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_abandoned(state_dir)
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=state_dir.absolute()))
            # Workers that outlive a killed gateway hold it, too.
            self._lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            raise StartError(f"server.state_dir {state_dir} can't be used: {error.strerror}") from None
        self._sockets = self._short()

    def _short(self) -> Path:
        """A directory whose path is short enough for sockets."""
        short = len(os.fsencode(self.path / "worker-100000-100.sock")) <= MAX_SOCKET_PATH
        return self.path if short else Path(tempfile.mkdtemp(prefix="gatepost-"))

    @property
    def admin(self) -> Path:
        """The socket at which Envoy says how it is."""
        return self._sockets / "admin.sock"

    def worker(self, generation: int, slot: int) -> Path:
        """The socket of a worker. A generation has one configuration."""
        return self._sockets / f"worker-{generation}-{slot}.sock"

    @property
    def log(self) -> Path:
        """What Envoy says."""
        return self.path / "envoy.log"

    def write(self, files: Mapping[str, Json]) -> None:
        """Puts files in place, each at once, in their order. Raises OSError."""
        for name, content in files.items():
            write_private_file(self.path / name, json.dumps(content).encode())

    def remove(self) -> None:
        """Removes all. In a forked worker nothing."""
        if self._owner == os.getpid():
            for folder in {self.path, self._sockets}:
                shutil.rmtree(folder, ignore_errors=True)
            os.close(self._lock)


def _remove_abandoned(state_dir: Path) -> None:
    for folder in state_dir.glob(f"{PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(folder / LOCK, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
