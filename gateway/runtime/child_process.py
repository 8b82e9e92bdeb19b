"""Programs that the gateway runs beside itself."""

from __future__ import annotations

import shutil
import sys


def tied_to_parent() -> list[str]:
    """Command prefix that makes the kernel terminate the program when the gateway dies (Linux).

    A preexec_fn that calls prctl would be unsafe with threads. Without setpriv the next start stops the
    orphan.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
