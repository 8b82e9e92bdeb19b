"""Ports for servers that other programs must know before they listen."""

from __future__ import annotations

import atexit
import random
import socket
from contextlib import suppress

PORTS = range(20_000, 30_000)
"""Below those that the system gives to outgoing connections and to servers that don't name theirs."""
_claims: dict[int, socket.socket] = {}


@atexit.register
def _give_back() -> None:
    """When the process ends: what Python closes by itself then, it complains of where warnings are errors."""
    while _claims:
        _claims.popitem()[1].close()


def free_port() -> int:
    """A TCP port that nobody listens on, and that no other test gets while this process lives."""
    while True:
        port = random.choice(PORTS)  # noqa: S311 (no secret)
        if port in _claims:
            # In another network namespace the same name would be free.
            continue
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            # A name that one process has at a time, and that the system frees when the process ends.
            claim.bind(f"\0gatepost-test-port-{port}")
        except OSError:
            claim.close()
            continue
        _claims[port] = claim
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("0.0.0.0", port))
            return port
