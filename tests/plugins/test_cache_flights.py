"""Who waits for whose response, and for how long a key is remembered."""

from __future__ import annotations

from gateway.plugin import StoredResponse
from plugins.cache_flights import FlightResult, Flights, RecentKeys

RESULT = FlightResult(StoredResponse(200, (), b"", 0.0, 0.0, ""), "", "")


async def test_the_first_result_is_there_for_all_until_it_is_stored() -> None:
    flights = Flights()
    flight = flights.begin("a")
    assert flights.find("a") is flight
    flight.land(RESULT)
    flight.land(None)
    assert await flight.wait() is RESULT
    assert flights.find("a") is flight, "for those who did not find it in the store yet"
    flight.leave()
    assert flights.find("a") is None


async def test_where_there_is_no_result_nobody_else_waits() -> None:
    flights = Flights()
    flight = flights.begin("a")
    flight.land(None)
    assert await flight.wait() is None
    later = flights.begin("a")
    flight.leave()
    assert flights.find("a") is later


def test_a_key_is_remembered_for_a_while() -> None:
    keys = RecentKeys()
    keys.add("a", 10.0)
    assert keys.has("a", 9.0)
    assert not keys.has("a", 10.0)
    assert not keys.has("b", 9.0)
