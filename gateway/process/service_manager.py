"""Tells the service manager (systemd, `Type=notify`) when the gateway is ready and when it stops.

https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

READY = "READY=1"
STOPPING = "STOPPING=1"


def reloading() -> str:
    """The state while a reload is under way; `READY` ends it."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def main_process(pid: int) -> str:
    """The state after an upgrade: another process is the service's main one, and serves."""
    return f"MAINPID={pid}\n{READY}"


def take_address() -> str:
    """The manager's address, which nobody else in this process finds any more; empty: there is no manager.

    gunicorn would say by itself that it is ready, before any worker is.
    """
    return os.environ.pop("NOTIFY_SOCKET", "")


def notify(state: str, address: str) -> None:
    """Sends a state to the manager at this address. Never raises: the gateway serves all the same."""
    if not address.startswith(("/", "@")):
        return
    # An abstract socket has a zero byte where the variable has an @.
    name = "\0" + address[1:] if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.sendto(state.encode(), name)
