"""A share of the requests goes to the new version."""

from __future__ import annotations

import pytest

from gateway.http.route import Canary
from gateway.proxy.canary import goes_to_canary, steady_draw
from tests.proxy.routing import route

NEW = route("/new")
TENTH = Canary(NEW, percent=10, header=b"x-canary")


def test_the_share() -> None:
    assert goes_to_canary(TENTH, None, 0.0999)
    assert not goes_to_canary(TENTH, None, 0.1)
    assert not goes_to_canary(Canary(NEW, percent=0), None, 0.0)
    assert goes_to_canary(Canary(NEW, percent=100), None, 0.999999)


@pytest.mark.parametrize(("value", "chosen"), [(b"always", True), (b" Always ", True), (b"never", False)])
def test_the_header_decides_for_itself(value: bytes, chosen: bool) -> None:
    assert [goes_to_canary(TENTH, value, draw) for draw in (0.0, 0.99)] == [chosen, chosen]


def test_any_other_value_is_as_none() -> None:
    assert goes_to_canary(TENTH, b"yes", 0.0)
    assert not goes_to_canary(TENTH, b"yes", 0.5)


def test_without_a_header_nobody_decides_for_themselves() -> None:
    assert not goes_to_canary(Canary(NEW, percent=10), b"always", 0.5)


def test_a_key_stays_on_its_side() -> None:
    draws = [steady_draw(f"client-{number}".encode()) for number in range(2000)]
    assert draws == [steady_draw(f"client-{number}".encode()) for number in range(2000)]
    assert all(0.0 <= draw < 1.0 for draw in draws)
    assert sum(goes_to_canary(TENTH, None, draw) for draw in draws) == pytest.approx(200, abs=50)
