"""Programs that the gateway runs beside itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


def tied_to_parent() -> list[str]:
    """Command prefix that makes the kernel terminate the program when the gateway dies (Linux).

    A preexec_fn that calls prctl would be unsafe with threads. Without setpriv the next start stops the
    orphan.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


_GUARD = 'read -r _; read -r pid <"$2" && [ "$pid" = "$1" ] && kill -TERM "$1"'
"""Waits for the end of standard input, then ends the process, if its pid file still names it."""


class Lifeline:
    """A pipe that no other program writes to: it ends with the last gateway that holds it.

    So a program that is guarded by it outlives the gateway that has started it, where another has taken over.
    """

    def __init__(self, ends: tuple[int, int] | None = None) -> None:
        """`ends`: reading and writing end, inherited from another process."""
        self._ends: tuple[int, int] | None = os.pipe() if ends is None else ends
        for end in self._ends:
            os.set_inheritable(end, False)  # noqa: FBT003 (the standard library's spelling)
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def ends(self) -> tuple[int, int] | None:
        """The descriptors; None after `close`."""
        return self._ends

    def guard(self, pid: int, pid_file: Path) -> None:
        """The process is terminated at the end of the pipe, if its pid file names it then."""
        self.dismiss()
        if self._ends is None:
            return
        with suppress(OSError):  # without a shell the next start ends what was left
            self._guard = subprocess.Popen(  # noqa: S603 (fixed program)
                ["/bin/sh", "-c", _GUARD, "gatepost-guard", str(pid), str(pid_file)],
                env={},
                stdin=self._ends[0],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def dismiss(self) -> None:
        """Guards nothing any more, as far as this process has said what to guard."""
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()
            self._guard = None

    def close(self) -> None:
        """This process no longer holds it."""
        for end in self._ends or ():
            os.close(end)
        self._ends = None
