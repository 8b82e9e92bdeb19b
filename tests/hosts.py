"""Hosts of a test's own: network namespaces around a hub, joined by cables that can be cut.

The test and the servers that it starts are in the hub while `hosts` is open; gateways are started in a host.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

STORE = "10.202.0.1"
"""Where hosts reach the hub over their cable to the store."""
BACKEND = "10.203.0.1"
"""Where they reach it over the other cable."""
HOSTS = "10.201.0.0/16"
_CLONE_NEWNET = 0x40000000
_NAMESPACES = Path("/run/netns")


class Host:
    """One host, with a cable to the clients and backends and one to the store."""

    def __init__(self, hub: str, number: int) -> None:
        self._hub, self._number = hub, number
        self.name = f"{hub}-{number}"
        self.address = f"10.201.{number}.2"

    @property
    def starter(self) -> tuple[str, ...]:
        """What a command is started by there."""
        return ("ip", "netns", "exec", self.name)

    def join(self) -> None:
        """Connects it with the hub."""
        _ip("netns", "add", self.name)
        _ip("-n", self.name, "link", "set", "lo", "up")
        for kind, network, leads_to in (("front", "10.201", BACKEND), ("store", "10.204", STORE)):
            here, there = f"{network}.{self._number}.1", f"{network}.{self._number}.2"
            end = f"{kind}{self._number}"
            _ip("-n", self._hub, "link", "add", end, "type", "veth", "peer", "name", kind, "netns", self.name)
            _ip("-n", self._hub, "address", "add", f"{here}/30", "dev", end)
            _ip("-n", self.name, "address", "add", f"{there}/30", "dev", kind)
            _ip("-n", self._hub, "link", "set", end, "up")
            _ip("-n", self.name, "link", "set", kind, "up")
            _ip("-n", self.name, "route", "add", leads_to, "via", here)

    def cut_off(self) -> None:
        """Cuts the cable to the store: nothing arrives any more, and nobody is told."""
        _ip("-n", self._hub, "link", "set", f"store{self._number}", "down")

    def mend(self) -> None:
        """Joins it again."""
        _ip("-n", self._hub, "link", "set", f"store{self._number}", "up")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


def _enter(namespace: int) -> None:
    """Puts this thread, and those that it starts, into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def _inside(name: str) -> Iterator[None]:
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    inside = os.open(_NAMESPACES / name, os.O_RDONLY)
    try:
        _enter(inside)
        yield
    finally:
        _enter(outside)
        os.close(inside)
        os.close(outside)


@contextmanager
def hosts(number: int) -> Iterator[list[Host]]:
    """Hosts that are gone in the end. The test is skipped where no namespaces can be made."""
    hub = f"gatepost-{os.getpid()}"
    try:
        made = subprocess.run(["ip", "netns", "add", hub], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        made = False
    if not made:
        pytest.skip("network namespaces can't be made here: that takes root and iproute2")
    found = [Host(hub, index) for index in range(1, number + 1)]
    try:
        _ip("-n", hub, "link", "set", "lo", "up")
        for address in (STORE, BACKEND):
            _ip("-n", hub, "address", "add", f"{address}/32", "dev", "lo")
        for host in found:
            host.join()
        with _inside(hub):
            yield found
    finally:
        for name in (*(host.name for host in found), hub):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
