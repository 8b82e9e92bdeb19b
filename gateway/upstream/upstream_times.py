"""Which server a request went to, and how long it took: noted by `gateway.upstream.timed_call`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(slots=True)
class UpstreamTimes:
    """Of one request; of the last try, if there were several."""

    server: str | None = None
    """`http://host:port`; None: no server could be chosen."""
    began: float = 0.0
    """When the try began, by `perf_counter`."""
    connected: float | None = None
    """When it had a connection and was sent; None: it got none."""
    responded: float | None = None
    """When the head of the response was there; None: there was none."""
    tries: int = 0
    """How often it was sent to a server, or should have been."""

    @property
    def connect(self) -> float | None:
        """Seconds until there was a connection."""
        return None if self.connected is None else self.connected - self.began

    @property
    def response(self) -> float | None:
        """Seconds from sending the request to the head of the response."""
        if self.connected is None or self.responded is None:
            return None
        return self.responded - self.connected


class TimesKeeper(ABC):
    """A response handler that wants to know the times."""

    __slots__ = ()

    @abstractmethod
    def keep_times(self, times: UpstreamTimes) -> None:
        """The times of this request, filled in as it goes."""
