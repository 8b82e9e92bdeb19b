"""The directory of the embedded store and the path of its socket."""

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
MAX_SOCKET_PATH = 103
"""Maximum bytes of a socket path on every platform (macOS has the lowest limit)."""


class StoreDirectory:
    """The directory `store` in the state directory, mode 0700.

    If its path is too long for a socket address, the socket is reached through a symlink in a private
    temporary directory.
    """

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir.absolute()
        self.folder = self.state_dir / "store"
        self._alias: Path | None = None

    @property
    def alias(self) -> str | None:
        """The symlink through which the socket is reached, if there is one."""
        return None if self._alias is None else str(self._alias)

    def inherit(self, alias: str | None) -> None:
        """Uses what another process has published."""
        self._alias = None if alias is None else Path(alias)

    @property
    def url(self) -> str:
        """The URL for `store.url`, for this process and others."""
        return f"unix://{quote(str(self.socket))}"

    @property
    def socket(self) -> Path:
        """The socket's path, short enough to connect to."""
        return (self._alias or self.folder) / SOCKET

    def prepare(self) -> None:
        """Creates the directory. StartError if that fails."""
        try:
            self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise StartError(f"server.state_dir {self.state_dir} can't be used: {error.strerror}") from None

    def publish(self) -> None:
        """Creates the symlink if needed, and writes the URL file for other processes."""
        if len(os.fsencode(self.socket)) > MAX_SOCKET_PATH:
            self._alias = self._link()
        path = self.folder / URL
        path.touch(mode=0o600)
        path.write_text(self.url, encoding="utf-8")

    def repair_link(self) -> None:
        """Recreates the symlink if a cleanup of temporary files has removed it."""
        if self._alias is not None and not self._alias.exists():
            self._alias.parent.mkdir(mode=0o700, exist_ok=True)
            self._alias.symlink_to(self.folder, target_is_directory=True)

    def _link(self) -> Path:
        private = Path(tempfile.mkdtemp(prefix="gatepost-"))
        alias = private / "store"
        if len(os.fsencode(alias / SOCKET)) > MAX_SOCKET_PATH:
            private.rmdir()
            raise StartError(f"server.state_dir {self.state_dir} has too long a path for a socket")
        alias.symlink_to(self.folder, target_is_directory=True)
        return alias

    def unpublish(self, *, url: bool = True) -> None:
        """Removes what `publish` has created. `url`: also the URL file, which is shared with a successor."""
        if url:
            (self.folder / URL).unlink(missing_ok=True)
        if self._alias is not None:
            with suppress(FileNotFoundError):
                shutil.rmtree(self._alias.parent)
            self._alias = None


def running_url(state_dir: Path) -> str | None:
    """The URL of the embedded store of a gateway running in `state_dir`; None if there is none.

    A killed gateway leaves the URL file behind, but no longer holds its lock.
    """
    try:
        url = (state_dir / "store" / URL).read_text(encoding="utf-8")
        return url if url and FileLock(state_dir / LOCK).held() else None
    except OSError:
        # Using the directory later reports the problem.
        return None
