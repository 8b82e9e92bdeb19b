"""How long a thread has waited for a CPU that others had: what makes it late without being its own doing."""

from __future__ import annotations

import os
from contextlib import suppress

_FILE = "/proc/thread-self/schedstat"
_NANOSECONDS = 1e9


class CpuWait:
    """Of the thread that makes it. Where the system does not tell (not on Linux), it is 0."""

    def __init__(self) -> None:
        self._file: int | None = None
        with suppress(OSError):
            self._file = os.open(_FILE, os.O_RDONLY)

    def seconds(self) -> float:
        """Altogether, since the thread was started."""
        if self._file is None:
            return 0.0
        try:
            # Time on a CPU, time in which it waited for one, number of time slices.
            return int(os.pread(self._file, 100, 0).split()[1]) / _NANOSECONDS
        except (OSError, ValueError, IndexError):
            return 0.0

    def close(self) -> None:
        """From now on it is 0."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
