"""The directory of the embedded store, and the path under which its socket can be reached."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from gateway.errors import StartError
from gateway.store.embedded.lock import FileLock

SOCKET = "valkey.sock"
PID_FILE = "valkey.pid"
LOG = "valkey.log"
URL = "url"
LOCK = "lock"
AOF_FOLDER = "appendonlydir"
LONGEST_SOCKET_PATH = 103
"""Bytes that fit in a socket's address on every platform (macOS has the fewest)."""


class Place:
    """`store` in the state directory. Only its owner may look into it.

    Where the path is too long for a socket's address, the socket is reached through a link in a private
    directory under the system's one for temporary files.
    """

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir.absolute()
        self.folder = self.state_dir / "store"
        self._alias: Path | None = None

    @property
    def url(self) -> str:
        """The URL for `store.url`, for this process and others."""
        return f"unix://{quote(str(self.socket))}"

    @property
    def socket(self) -> Path:
        """The socket's path, short enough to connect to."""
        return (self._alias or self.folder) / SOCKET

    def prepare(self) -> None:
        """Makes the directory. Raises StartError where that is not allowed."""
        try:
            self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise StartError(f"server.state_dir {self.state_dir} can't be used: {error.strerror}") from None

    def publish(self) -> None:
        """Sees that the socket can be reached, and writes down the URL for other processes."""
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET_PATH:
            self._alias = self._link()
        path = self.folder / URL
        path.touch(mode=0o600)
        path.write_text(self.url, encoding="utf-8")

    def mend(self) -> None:
        """Makes the link anew where a cleaner of temporary files has taken it."""
        if self._alias is not None and not self._alias.exists():
            self._alias.parent.mkdir(mode=0o700, exist_ok=True)
            self._alias.symlink_to(self.folder, target_is_directory=True)

    def _link(self) -> Path:
        private = Path(tempfile.mkdtemp(prefix="gatepost-"))
        alias = private / "store"
        if len(os.fsencode(alias / SOCKET)) > LONGEST_SOCKET_PATH:
            private.rmdir()
            raise StartError(f"server.state_dir {self.state_dir} has too long a path for a socket")
        alias.symlink_to(self.folder, target_is_directory=True)
        return alias

    def withdraw(self) -> None:
        """Takes back what `publish` has made."""
        (self.folder / URL).unlink(missing_ok=True)
        if self._alias is not None:
            with suppress(FileNotFoundError):
                shutil.rmtree(self._alias.parent)
            self._alias = None


def running_url(state_dir: Path) -> str | None:
    """The URL of the store that a running gateway keeps in `state_dir`; None where there is none.

    A gateway that was killed leaves the URL behind, but holds its lock no more.
    """
    try:
        url = (state_dir / "store" / URL).read_text(encoding="utf-8")
        return url if url and FileLock(state_dir / LOCK).held() else None
    except OSError:
        # Whoever goes on to use the directory is told what is wrong with it.
        return None
