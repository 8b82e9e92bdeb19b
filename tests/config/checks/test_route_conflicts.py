"""Two routes for the same requests are an error of `check`, with both lines."""

from __future__ import annotations

from time import perf_counter

import pytest

from tests.config.checks.test_routes import routes

TWO = "where: {headers: {X-Version: '2'}}"
FIRST = " (the first is on line 2)"
TAKEN = f"can't be reached: an earlier route has this path and a method of this one{FIRST}"
TAKEN_WHERE = (
    f"can't be reached: an earlier route has this path, these conditions and a method of this one{FIRST}"
)
TIE = (
    "ties with an earlier route of this path: a request can meet the conditions of both, and neither has "
    f"more of them{FIRST}"
)


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        ("path: '/a/{id}'", "path: '/a/{name}'", TAKEN),
        ("path: '/a/{id}', methods: [GET]", "path: '/a/{x}'", TAKEN),
        ("path: /a, case_sensitive: false", "path: /a", TAKEN),
        ("path: /a, case_sensitive: false", "path: /A, case_sensitive: false", TAKEN),
        (f"path: /a, {TWO}", f"path: /a, {TWO}", TAKEN_WHERE),
        (f"path: /a, {TWO}", "path: /a, where: {headers: {x-version: '2'}}", TAKEN_WHERE),
        (f"path: /a, {TWO}", "path: /a, where: {query: {beta: '1'}}", TIE),
        (
            "path: /a, where: {headers: {X-A: '1'}, query: {a: '1'}}",
            "path: /a, where: {headers: {X-A: '1'}, query: {b: '1'}}",
            TIE,
        ),
    ],
)
def test_a_true_tie_names_both_lines(one: str, other: str, text: str) -> None:
    assert routes(one, other) == [f"routes[1]: {text}"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("path: '/a/{id}'", "path: /a/b"),
        ("path: '/a/{id}'", "path: '/a/{id}', match: exact"),
        ("path: '/a/{id}', methods: [GET]", "path: '/a/{id}', methods: [PUT]"),
        ("path: '/{a}/b'", "path: '/a/{b}'"),
        ("path: /a", f"path: /a, {TWO}"),
        (f"path: /a, {TWO}", "path: /a, where: {headers: {X-Version: '3'}}"),
        (f"path: /a, {TWO}", "path: /a, where: {headers: {X-Version: '2'}, query: {beta: '1'}}"),
        (f"path: /a, methods: [GET], {TWO}", "path: /a, methods: [PUT], where: {query: {beta: '1'}}"),
        (
            "path: /a, where: {headers: {X-A: '1'}, query: {a: '1'}}",
            "path: /a, where: {headers: {X-A: '2'}, query: {b: '1'}}",
        ),
        (f"path: /a, {TWO}", "path: /A"),
    ],
)
def test_routes_of_which_one_goes_first_are_fine(one: str, other: str) -> None:
    found = [line for line in routes(one, other) if "ties" in line or "earlier" in line]
    assert found == []


def test_a_route_that_ignores_case_takes_the_other_ones_spelling() -> None:
    first, second = routes("path: /a, case_sensitive: false", "path: /A")
    assert "upstreams that ignore case" in first
    assert "upstreams that ignore case" in second


def test_a_route_in_another_case_whose_conditions_may_not_be_met_can_be_reached() -> None:
    (found,) = routes(f"path: /a, {TWO}", "path: /A")
    assert found.startswith("routes[0].path: can't be reached: upstreams that ignore case")


def test_thousands_of_conditions_for_one_path_are_checked_in_moments() -> None:
    many = [f"path: /a, where: {{headers: {{X-Version: '{number}'}}}}" for number in range(1000)]
    start = perf_counter()
    assert routes(*many) == []
    assert len(routes(*many, many[0])) == 1
    assert perf_counter() - start < 60
