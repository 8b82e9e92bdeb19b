"""Reading the headers and query parameters that decide a route."""

import pytest

from gateway.http.exchange import Header
from gateway.http.problems import Problem
from gateway.http.route import HEADER, QUERY
from gateway.http.route_conditions import condition_value, preflight_names, route_conditions
from tests.proxy.routing import request


def test_conditions_are_sorted_and_header_names_have_no_case() -> None:
    one = route_conditions({"X-B": "1", "x-a": "2"}, {"Q": "3"})
    assert one == route_conditions({"X-A": "2", "x-b": "1"}, {"Q": "3"})
    assert str(one) == "header x-a: 2, header x-b: 1, query parameter Q: 3"


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("", None),
        ("?q", ""),
        ("?q=", ""),
        ("?q=%C3%A9", "é"),
        ("?q=a+b", "a b"),
        ("?Q=1", None),
        ("?q=%ff", "\udcff"),
    ],
)
def test_a_query_parameter_is_decoded(query: str, value: str | None) -> None:
    assert condition_value(request("/" + query), (QUERY, "q")) == value


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ((), None),
        (((b"X-A", b" 1 "),), "1"),
        (((b"x-a", b""),), ""),
        (((b"X-A", "é".encode()),), "é"),
        (((b"X-Ab", b"1"),), None),
    ],
)
def test_a_header_is_read_without_space_around_it(headers: tuple[Header, ...], value: str | None) -> None:
    assert condition_value(request("/", "GET", "h", *headers), (HEADER, "x-a")) == value


def test_another_spelling_of_a_header_is_refused() -> None:
    with pytest.raises(Problem, match="misspelled"):
        condition_value(request("/", "GET", "h", (b"X_A", b"1")), (HEADER, "x-a"))


def test_a_preflight_names_the_headers_that_the_request_may_have() -> None:
    names = preflight_names(request("/", "OPTIONS", "h", (b"Access-Control-Request-Headers", b"X-A, x-b")))
    assert {"x-a", "x-b", "accept"} <= names
    assert "x-c" not in names
