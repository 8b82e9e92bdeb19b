"""What happens between the server and its Envoys, as lines for operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Log:
    """Writes lines."""

    write: Callable[[str], Any]

    def came(self, envoy: str) -> None:
        """An Envoy has connected."""
        self.write(f"Envoy {envoy}: connected")

    def left(self, envoy: str) -> None:
        """Its stream is over."""
        self.write(f"Envoy {envoy}: gone; it keeps what it has")

    def refused(self, envoy: str, kind: str, reason: str) -> None:
        """It refuses resources (NACK), and goes on with those that it has."""
        self.write(f"Envoy {envoy}: refuses {kind.rpartition('.')[2]}: {' '.join(reason.split())}")
