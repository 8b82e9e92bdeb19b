"""Connections are bounded, and forgotten with the last one of an address."""

from gateway.http.limit_names import CONNECTIONS, PER_ADDRESS
from gateway.server.connection_limits import ConnectionLimiter, ConnectionLimits


def limiter(total: int = 3, per_address: int = 2) -> ConnectionLimiter:
    return ConnectionLimiter(ConnectionLimits(total, per_address, lambda address: address == "10.0.0.1"))


def test_one_address_gets_no_more_than_its_share() -> None:
    doors = limiter()
    assert [doors.acquire("a") for _ in range(3)] == [None, None, PER_ADDRESS]
    assert doors.acquire("b") is None


def test_all_together_get_no_more_than_there_is() -> None:
    doors = limiter()
    assert [doors.acquire(address) for address in "abcd"] == [None, None, None, CONNECTIONS]


def test_a_trusted_proxy_stands_for_many() -> None:
    doors = limiter()
    assert [doors.acquire("10.0.0.1") for _ in range(4)] == [None, None, None, CONNECTIONS]


def test_who_leaves_makes_room() -> None:
    doors = limiter()
    for _ in range(2):
        doors.acquire("a")
    doors.release("a")
    assert doors.acquire("a") is None


def test_nothing_is_kept_of_who_is_gone() -> None:
    doors = limiter(total=100_000)
    for number in range(50_000):
        doors.acquire(str(number))
        doors.release(str(number))
    assert len(doors) == 0
    assert doors._addresses == {}
