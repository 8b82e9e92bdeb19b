"""The log level of a running gateway: a file in `state_dir` overrides `logging.level`.

A file reaches all workers, needs no listener that could be called by others, and who may write it is for the
file system to say.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("gatepost")

FILE = "log-level"
LEVELS = ("debug", "info", "warning", "error")
CHECK_INTERVAL = 0.5
"""Seconds between two looks at the file."""
MAX_SIZE = 100


def current_level() -> str:
    """The level of this process."""
    return logging.getLevelName(logging.getLogger().level).lower()


def set_level(level: str) -> None:
    """Sets the level of this process."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    # At level INFO asyncio logs each connection.
    logging.getLogger("asyncio").setLevel(max(root.level, logging.WARNING))


def write_override(state_dir: Path, level: str | None) -> None:
    """Overrides the level of the gateway with this `state_dir`; None: not any more. Raises OSError."""
    file = state_dir / FILE
    if level is None:
        file.unlink(missing_ok=True)
        return
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = file.with_suffix(".new")
    written.write_text(f"{level}\n")
    written.replace(file)


class LogLevelWatch:
    """Follows the file. Call `check` from time to time."""

    def __init__(self, state_dir: Path) -> None:
        self._file = state_dir / FILE
        self._overridden = False

    def check(self, configured: str) -> None:
        """Sets the level that the file names; the configured one once there is no file any more."""
        wanted = self._wanted()
        if wanted is None and not self._overridden:
            return
        level = configured if wanted is None else wanted
        self._overridden = wanted is not None
        if level != current_level():
            set_level(level)
            told = "as configured" if wanted is None else "until `gatepost log-level reset`, or a restart"
            log.warning("log level is %s now, %s", level, told)

    def _wanted(self) -> str | None:
        with suppress(OSError, UnicodeDecodeError), self._file.open(encoding="ascii") as stream:
            level = stream.read(MAX_SIZE).strip()
            return level if level in LEVELS else None
        return None
