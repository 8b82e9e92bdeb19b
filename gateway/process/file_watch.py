"""`server.watch`: sees that a file of the configuration has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from time import monotonic

from gateway.config.model import Settings
from gateway.config.referenced_files import referenced_files, source_files

INTERVAL = 1.0
"""Seconds between two looks. A change counts once it has stayed the same for this long: files that are being
written, or replaced one after the other, are left alone."""

FileState = tuple[int, int, int]
"""Modification time, size and inode; all 0 where there is no file."""


def file_states(files: Iterable[str]) -> dict[str, FileState]:
    """The state of each file."""
    return {file: _state(file) for file in files}


def _state(file: str) -> FileState:
    try:
        found = os.stat(file)
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


class FileWatch:
    """Looks at the files of the current configuration. Without `server.watch` it sees nothing."""

    def __init__(self, settings: Settings, tick: Callable[[], float] = monotonic) -> None:
        self._tick = tick
        self._due = 0.0
        self._loaded = file_states(())
        self.loaded(settings)

    def before_load(self) -> None:
        """The configuration is about to be loaded: what is written from now on may not be in it."""
        self._loaded = self._seen = self._look()

    def loaded(self, settings: Settings) -> None:
        """The configuration is this one now."""
        self._settings = settings
        self._referenced = referenced_files(settings) if settings.server.watch else []
        self._seen = self._look()
        self._loaded = {file: self._loaded.get(file, state) for file, state in self._seen.items()}

    def changed(self) -> bool:
        """Whether a file has changed since the configuration was loaded. Call it often; it says so once."""
        now = self._tick()
        if not self._settings.server.watch or now < self._due:
            return False
        self._due = now + INTERVAL
        before, self._seen = self._seen, self._look()
        if self._seen == self._loaded or self._seen != before:
            return False
        # Also where the load fails: it is tried again at the next change.
        self._loaded = self._seen
        return True

    def _look(self) -> dict[str, FileState]:
        if not self._settings.server.watch:
            return {}
        return file_states([*source_files(self._settings), *self._referenced])
