"""The real Envoy with what `gatepost` makes of a file for it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.commands.conftest import gatepost
from tests.exactness.programs import program
from tests.raw import LIMIT

ADMIN = "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}"
PATIENCE = 60.0
"""Seconds until it must listen: it starts in half a second, on a loaded machine in many."""


def exported(file: Path, *options: str) -> Path:
    """What `gatepost export envoy` makes of a file, which the real Envoy takes."""
    result = gatepost("export", "envoy", "-c", str(file), *options)
    assert result.exit_code == 0, result.stderr
    made = file.with_name("envoy.yaml")
    made.write_text(result.stdout)
    return made


def validate(made: Path) -> None:
    """Fails unless Envoy takes the configuration."""
    command = [program("envoy"), "--mode", "validate", "-l", "error", "-c", str(made)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


class Envoy:
    """An Envoy with a bootstrap, whose listeners may have any free port."""

    def __init__(self, bootstrap: Path, folder: Path, *options: str, name: str = "envoy") -> None:
        self._admin, self._log = folder / f"{name}.admin", folder / f"{name}.log"
        fixed = ("--use-dynamic-base-id", "--concurrency", "1", "-l", "warning", "--config-yaml", ADMIN)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [program("envoy"), "-c", bootstrap, "--admin-address-path", self._admin, *fixed, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def ask(self, path: str) -> Any:
        """What its admin interface says; None while it does not yet."""
        try:
            address = self._admin.read_text()
            with urllib.request.urlopen(f"http://{address}{path}", timeout=LIMIT) as answer:
                return json.load(answer)
        except (OSError, ValueError, urllib.error.URLError):
            return None

    def ports(self) -> dict[str, int]:
        """The port of each of its listeners, by name; without a Unix socket's."""
        found = self.ask("/listeners?format=json") or {}
        return {
            one["name"]: one["local_address"]["socket_address"]["port_value"]
            for one in found.get("listener_statuses", ())
            if "socket_address" in one["local_address"]
        }

    def await_ports(self, number: int) -> list[int]:
        """Waits until it accepts connections on that many ports, in their order."""
        deadline = time.monotonic() + PATIENCE
        while len(ports := self.ports()) < number or not all(map(_accepts, ports.items())):
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, f"it does not listen:\n{self.log}"
            time.sleep(0.02)
        return list(ports.values())

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(LIMIT)
        finally:
            self._process.kill()
            self._process.wait()


def _accepts(listener: tuple[str, int]) -> bool:
    """Envoy names ports before it listens there. Those of UDP it opens with the others."""
    name, port = listener
    if not port or name.startswith("udp:"):
        return port > 0
    try:
        socket.create_connection(("127.0.0.1", port), LIMIT).close()
    except OSError:
        return False
    return True
