"""Says which limit has ended a connection or refused a request: a count for each, and a line a second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from gateway.http.limit_names import IDLE

log = logging.getLogger("gatepost")

INTERVAL = 1.0
"""Seconds in which one limit makes one line at most."""
_SILENT = frozenset({IDLE})
"""Only counted: an idle connection ends like this every day."""


class LimitLog:
    """Hears of each limit that was reached. The first time is logged at once, further ones once a second."""

    def __init__(self, count: Callable[[str], None]) -> None:
        """`count`: is called with the limit's name each time."""
        self._count = count
        self._waiting: dict[str, tuple[int, str]] = {}
        """What has been reached within the last second: how often since its line, and by whom last."""
        self._timer: asyncio.TimerHandle | None = None

    def reached(self, limit: str, address: str) -> None:
        """A limit was reached. `address`: the client's."""
        self._count(limit)
        if limit in _SILENT:
            return
        if limit in self._waiting:
            self._waiting[limit] = self._waiting[limit][0] + 1, address
            return
        self._waiting[limit] = 0, address
        log.warning("limit %s reached by %s", limit, address)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._tell)

    def _tell(self) -> None:
        waiting, self._waiting, self._timer = self._waiting, {}, None
        for limit, (times, address) in waiting.items():
            if times:
                self._waiting[limit] = 0, address
                log.warning(
                    "limit %s reached %d more times within a second, last by %s", limit, times, address
                )
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._tell)
