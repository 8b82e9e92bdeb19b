"""What the supervising process knows of the edge's Envoy, for the workers to tell."""

from __future__ import annotations

import mmap
import struct

_VALUES = struct.Struct("QQ")


class EdgeReport:
    """In memory that processes share which are forked after it was made. One process writes."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _VALUES.size)

    @property
    def up(self) -> bool:
        """Whether it runs, and has answered the last question."""
        return bool(self._read()[0])

    @property
    def restarts(self) -> int:
        """Since the gateway's start."""
        return self._read()[1]

    def is_up(self) -> None:
        """It answers."""
        self._write(1, self.restarts)

    def is_down(self) -> None:
        """It has died, or hangs."""
        self._write(0, self.restarts)

    def restarted(self) -> None:
        """It was started again. Whether it answers is not known yet."""
        self._write(0, self.restarts + 1)

    def _read(self) -> tuple[int, int]:
        up, restarts = _VALUES.unpack_from(self._memory)
        return up, restarts

    def _write(self, up: int, restarts: int) -> None:
        _VALUES.pack_into(self._memory, 0, up, restarts)
