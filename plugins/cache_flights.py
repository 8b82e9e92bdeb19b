"""Identical requests under way to the upstream of `cache`: one is sent, the others wait for its response."""

import asyncio
from dataclasses import dataclass

from gateway.plugin import StoredResponse

WAIT = 10.0
"""Seconds that a request waits for another one's response, before it is sent itself."""
_PLACES = 1024


@dataclass(frozen=True, slots=True)
class FlightResult:
    """A response for those who have waited."""

    response: StoredResponse
    caller: str
    """To whom alone it may be given; empty: to all."""
    varied: str
    """What it depends on (`CacheKey.varied`)."""


class Flight:
    """One request under way."""

    def __init__(self, flights: dict[str, "Flight"], group: str) -> None:
        self._flights = flights
        self.group = group
        self._result: asyncio.Future[FlightResult | None] = asyncio.get_running_loop().create_future()

    def land(self, result: FlightResult | None) -> None:
        """Tells the others. None: each must ask for itself. Only the first call counts.

        A result is there for those who come later, too, until `leave`.
        """
        if not self._result.done():
            self._result.set_result(result)
            if result is None:
                self.leave()

    def leave(self) -> None:
        """From now on nobody finds it: its result is in the store, or there is none."""
        if self._flights.get(self.group) is self:
            del self._flights[self.group]

    async def wait(self) -> FlightResult | None:
        """Its response; None where there is none that others can have, or none in time."""
        await asyncio.wait((self._result,), timeout=WAIT)
        return self._result.result() if self._result.done() else None


class RecentKeys:
    """Remembers keys for a while. Each has a place, and takes that of another one."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, float]] = [("", 0.0)] * _PLACES

    def add(self, key: str, until: float) -> None:
        """Remembers it until then."""
        self._kept[hash(key) % _PLACES] = key, until

    def has(self, key: str, now: float) -> bool:
        """Whether it is remembered now."""
        kept, until = self._kept[hash(key) % _PLACES]
        return kept == key and now < until


class Flights:
    """Those of one use of the plugin in one worker."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}

    def find(self, group: str) -> Flight | None:
        """The request of this group that is under way."""
        return self._flights.get(group)

    def begin(self, group: str) -> Flight:
        """From now on others of this group wait for this one. It must `land`."""
        flight = self._flights[group] = Flight(self._flights, group)
        return flight
