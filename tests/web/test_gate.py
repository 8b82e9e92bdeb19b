"""Connections are bounded, and forgotten with the last one of an address."""

from gateway.web.gate import Gate, GateLimits


def gate(total: int = 3, per_address: int = 2) -> Gate:
    return Gate(GateLimits(total, per_address, lambda address: address == "10.0.0.1"))


def test_one_address_gets_no_more_than_its_share() -> None:
    doors = gate()
    assert [doors.enter("a") for _ in range(3)] == [True, True, False]
    assert doors.enter("b")


def test_all_together_get_no_more_than_there_is() -> None:
    doors = gate()
    assert [doors.enter(address) for address in "abcd"] == [True, True, True, False]


def test_a_trusted_proxy_stands_for_many() -> None:
    doors = gate()
    assert [doors.enter("10.0.0.1") for _ in range(4)] == [True, True, True, False]


def test_who_leaves_makes_room() -> None:
    doors = gate()
    for _ in range(2):
        doors.enter("a")
    doors.leave("a")
    assert doors.enter("a")


def test_nothing_is_kept_of_who_is_gone() -> None:
    doors = gate(total=100_000)
    for number in range(50_000):
        doors.enter(str(number))
        doors.leave(str(number))
    assert len(doors) == 0
    assert doors._addresses == {}
