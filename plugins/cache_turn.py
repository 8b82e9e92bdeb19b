"""One request's way through `cache`, and its response's."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.plugin import Directives, StoredResponse
from plugins.cache_flights import Flight, FlightResult
from plugins.cache_keys import CacheKey


@dataclass(slots=True)
class CacheTurn:
    """One request's way through the cache."""

    way: str
    """Why it goes upstream, as Cache-Status says it."""
    control: Directives = field(default_factory=dict)
    key: CacheKey | None = None
    """None: nothing is read and nothing stored."""
    generation: str = ""
    found: StoredResponse | None = None
    """What is stored, and can't be given out as it is."""
    stale: StoredResponse | None = None
    """What the upstream is asked about."""
    caller: str = ""
    """To whom that may be given."""
    requested: float = 0.0
    flight: Flight | None = None
    over: bool = False

    def land(self, result: FlightResult | None) -> None:
        """Tells those who wait."""
        if self.flight is not None:
            self.flight.land(result)


class CacheRecorder:
    """Collects a body on its way to the client, to store it when it is complete."""

    changes = False

    def __init__(self, limit: int, keep: Callable[[bytes], None], passes: Callable[[], None]) -> None:
        """`limit`: bytes of the largest body; `keep` takes a whole one, `passes` hears that it is larger."""
        self._limit = limit
        self._keep = keep
        self._passes = passes
        self._pieces: list[bytes] | None = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """Hands the piece on."""
        if self._pieces is not None:
            self._pieces.append(data)
            self._size += len(data)
            if self._size > self._limit:
                self._pieces = None
                self._passes()
        return data

    def finish(self) -> bytes:
        """Stores the response."""
        if self._pieces is not None:
            self._keep(b"".join(self._pieces))
        return b""
