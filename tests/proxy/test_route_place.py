"""`where`: routes of one path that differ in headers and query parameters."""

from __future__ import annotations

import pytest

from gateway.http.exchange import Header
from gateway.http.problems import Problem
from gateway.http.route_conditions import route_conditions
from gateway.proxy.pipeline import compile_pipeline
from gateway.proxy.preflight import preflight_route
from gateway.proxy.route_table import RouteTable
from plugins.cors import Cors
from tests.plugins.exchanges import made
from tests.proxy.routing import request, route

ROUTES = RouteTable(
    [
        route("/", upstream_name="root"),
        route("/orders", methods=("GET",), upstream_name="old"),
        route("/orders", where=route_conditions({"X-Version": "2"}, {}), upstream_name="new"),
        route(
            "/orders",
            methods=("GET",),
            where=route_conditions({"x-version": "2"}, {"beta": "1"}),
            upstream_name="beta",
        ),
        route("/only", where=route_conditions({}, {"key": "a b"}), upstream_name="only"),
        route("/only", exact=True, where=route_conditions({}, {"key": "x"}), upstream_name="exact"),
        route("/orders/{id}", where=route_conditions({"X-Lines": ""}, {}), upstream_name="lines"),
    ]
)
TWO = (b"x-version", b"2")


def found(path: str, *headers: Header, method: str = "GET", table: RouteTable = ROUTES) -> str:
    return table.match(request(path, method, "localhost", *headers)).upstream_name


def refused(path: str, *headers: Header, method: str = "GET") -> Problem:
    with pytest.raises(Problem) as caught:
        found(path, *headers, method=method)
    return caught.value


def test_the_route_with_most_conditions_that_are_met_takes_the_request() -> None:
    assert found("/orders") == "old"
    assert found("/orders", TWO) == "new"
    assert found("/orders?beta=1", TWO) == "beta"
    assert found("/orders?beta=1") == "old"
    assert found("/orders?beta=2", TWO) == "new"
    assert found("/orders", (b"X-Version", b"3")) == "old"
    assert found("/orders?beta=1", TWO, method="POST") == "new", "the other one is for GET"


def test_a_route_whose_conditions_are_not_met_does_not_hide_a_shorter_path() -> None:
    assert found("/only") == "root"
    assert found("/only?key=a+b") == "only"
    assert found("/only?key=a%20b") == "only"
    assert found("/only?key=x") == "exact"
    assert found("/only/7?key=x") == "root"
    assert found("/orders/7", (b"X-Lines", b"")) == "lines"
    assert found("/orders/7") == "old"


def test_allow_has_the_methods_of_the_routes_whose_conditions_are_met() -> None:
    assert refused("/orders", method="POST").headers == [(b"Allow", b"GET")]
    assert refused("/orders", TWO, method="TRACE").kind.status == 405


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/orders", (TWO, (b"X-Version", b"1"))),
        ("/orders", ((b"X_Version", b"2"),)),
        ("/orders", (TWO, (b"x.version", b"1"))),
        ("/orders?beta=1&beta=2", (TWO,)),
        ("/only?key=x&key=y", ()),
    ],
)
def test_a_condition_that_could_be_read_in_two_ways_is_refused(
    path: str, headers: tuple[Header, ...]
) -> None:
    problem = refused(path, *headers)
    assert problem.kind.status == 400
    assert "decides the route" in problem.detail


def test_the_same_value_twice_is_one_value() -> None:
    assert found("/orders?beta=1&beta=1", TWO, TWO) == "beta"


def test_parameters_that_decide_nothing_may_be_repeated() -> None:
    assert found("/orders?tag=1&tag=2&beta=1", TWO) == "beta"


def test_an_eager_reading_keeps_to_the_conditions() -> None:
    table = RouteTable(
        [
            route("/", upstream_name="root"),
            route("/Admin", where=route_conditions({"X-Version": "2"}, {}), upstream_name="admin"),
        ]
    )
    assert found("/admin", table=table) == "root"
    with pytest.raises(Problem, match="ambiguous"):
        found("/admin", TWO, table=table)


def test_a_preflight_finds_the_route_of_a_request_with_the_headers_that_it_names() -> None:
    cors = compile_pipeline([made(Cors, origins=["https://a"])])
    routes = RouteTable(
        [
            route("/orders", pipeline=cors, upstream_name="old"),
            route(
                "/orders", where=route_conditions({"X-Version": "2"}, {}), pipeline=cors, upstream_name="new"
            ),
            route(
                "/orders",
                where=route_conditions({"X-Version": "2"}, {"beta": "1"}),
                pipeline=cors,
                upstream_name="beta",
            ),
        ]
    )

    def asked(path: str, names: bytes) -> str | None:
        headers = ((b"Origin", b"https://a"), (b"Access-Control-Request-Method", b"PUT"))
        more = ((b"Access-Control-Request-Headers", names),) if names else ()
        taken = preflight_route(routes, request(path, "OPTIONS", "localhost", *headers, *more))
        return None if taken is None else taken.upstream_name

    assert asked("/orders", b"") == "old"
    assert asked("/orders", b"authorization, x-version") == "new"
    assert asked("/orders?beta=1", b"x-version") == "beta"
    assert asked("/orders?beta=2", b"x-version") == "new"
