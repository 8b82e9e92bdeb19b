"""Path templates and priorities: which of several paths takes a request."""

from __future__ import annotations

from time import thread_time

import pytest

from gateway.http.problems import Problem
from gateway.http.route_conditions import route_conditions
from gateway.proxy.route_table import RouteTable
from tests.proxy.routing import request, route


def table(*paths: str) -> RouteTable:
    """Routes named by their paths; one that ends in $ is for its path only, ~ in front: in any case."""
    return RouteTable(
        [
            route(
                path.strip("$~"),
                exact=path.endswith("$"),
                case_sensitive=not path.startswith("~"),
                upstream_name=path,
            )
            for path in paths
        ]
    )


def found(routes: RouteTable, path: str, method: str = "GET", host: str = "localhost") -> str:
    return routes.match(request(path, method, host)).upstream_name


def status(routes: RouteTable, path: str, method: str = "GET") -> int:
    with pytest.raises(Problem) as caught:
        found(routes, path, method)
    return caught.value.kind.status


def test_a_template_takes_one_segment_that_is_not_empty() -> None:
    routes = table("/orders/{id}/invoices")
    assert found(routes, "/orders/7/invoices") == "/orders/{id}/invoices"
    assert found(routes, "/orders/7/invoices/3") == "/orders/{id}/invoices"
    assert found(routes, "/orders/a%20b/invoices") == "/orders/{id}/invoices"
    assert status(routes, "/orders/7") == 404
    assert status(routes, "/orders/7/8/invoices") == 404
    assert status(routes, "/orders/7/invoices-old") == 404


def test_braces_in_a_request_are_no_template() -> None:
    routes = table("/orders/{id}", "/other/{id}/x")
    assert found(routes, "/orders/%7Bid%7D") == "/orders/{id}"
    assert found(table("/a/%7Bid%7D", "/"), "/a/7") == "/"


@pytest.mark.parametrize(
    ("paths", "path", "best"),
    [
        (("/orders/{id}", "/orders/export"), "/orders/export", "/orders/export"),
        (("/orders/{id}", "/orders/export"), "/orders/export/x", "/orders/export"),
        (("/orders/{id}", "/orders/export"), "/orders/exports", "/orders/{id}"),
        (("/{a}/x", "/a/{b}"), "/a/x", "/a/{b}"),
        (("/{a}/x", "/a/{b}"), "/b/x", "/{a}/x"),
        (("/{a}/{b}/c", "/{a}/b/{c}"), "/1/b/c", "/{a}/b/{c}"),
        (("/a/b/c/d", "/a/{x}/c"), "/a/b/c/e", "/a/{x}/c"),
        (("/a/b/c$", "/a/{x}"), "/a/b/c/d", "/a/{x}"),
        (("/a", "/{x}/y"), "/a/y", "/a"),
        (("/", "/{x}/y"), "/a/y", "/{x}/y"),
        (("/a/{x}$", "/a/{x}"), "/a/1", "/a/{x}$"),
        (("/a/{x}$", "/a/{x}"), "/a/1/2", "/a/{x}"),
        (("/a/{x}$", "/a/1"), "/a/1", "/a/1"),
        (("/$", "/a"), "/", "/$"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_literal_segment_goes_before_a_template_from_the_left(
    paths: tuple[str, ...], path: str, best: str, turned: bool
) -> None:
    assert found(table(*(reversed(paths) if turned else paths)), path) == best


def test_operations_of_a_template_have_a_route_each() -> None:
    routes = RouteTable(
        [
            route("/orders/{id}", methods=("GET",), upstream_name="read"),
            route("/orders/{order}", methods=("PUT", "DELETE"), upstream_name="write"),
            route("/orders/export", methods=("POST",), upstream_name="export"),
            route("/", upstream_name="root"),
        ]
    )
    assert found(routes, "/orders/7") == "read"
    assert found(routes, "/orders/7", "DELETE") == "write"
    assert found(routes, "/orders/export", "POST") == "export"
    assert found(routes, "/orders/export") == "read", "as long a path takes the method"
    with pytest.raises(Problem) as caught:
        found(routes, "/orders/7", "PATCH")
    assert caught.value.headers == [(b"Allow", b"GET, PUT, DELETE")]
    with pytest.raises(Problem) as caught:
        found(routes, "/orders/export", "PATCH")
    assert caught.value.headers == [(b"Allow", b"POST, GET, PUT, DELETE")]


def test_a_path_in_any_case_is_found_and_one_in_this_case_goes_before() -> None:
    routes = table("~/Orders/{id}/Lines", "~/open", "/Open/x")
    assert found(routes, "/ORDERS/7a/lines") == "~/Orders/{id}/Lines"
    assert found(routes, "/orders/7/Lines") == "~/Orders/{id}/Lines"
    assert found(routes, "/OPEN/y") == "~/open"
    assert found(routes, "/Open/x") == "/Open/x"
    assert status(routes, "/open/x") == 400, "an upstream that ignores case reads it as /Open/x"


def test_the_longest_path_wins_whether_case_matters_or_not() -> None:
    assert found(table("/a", "~/a/b"), "/a/b") == "~/a/b"
    assert found(table("~/a", "/a/b"), "/a/b") == "/a/b"


def test_an_eager_reading_of_a_template_that_leads_elsewhere_is_refused() -> None:
    routes = table("/orders/{id}$", "/orders/{id}/admin", "/")
    assert found(routes, "/orders/x;v=1") == "/orders/{id}$"
    assert found(routes, "/orders/A") == "/orders/{id}$"
    for path in ("/orders/a%2Fadmin", "/orders/a/Admin", "/orders/a/admin;x", "/orders//7", "/Orders/7"):
        assert status(routes, path) == 400, path
    assert status(table("/orders/{id}", "/orders/Admin"), "/orders/admin") == 400


def test_a_thousand_segments_are_matched_without_recursion() -> None:
    long = "/a" * 1000
    routes = table(long + "/{x}", "/a/{y}")
    assert found(routes, long + "/1") == long + "/{x}"
    assert found(routes, long) == "/a/{y}"


def _seconds(routes: RouteTable, paths: list[str]) -> float:
    """Of CPU, without what else the machine does meanwhile."""
    heads = [request(path, "GET", "localhost", (b"X-Version", b"7")) for path in paths]
    best = 9.9
    for _ in range(7):
        start = thread_time()
        for head in heads:
            routes.match(head)
        best = min(best, thread_time() - start)
    return best


@pytest.mark.parametrize("pattern", ["/api/s{n}/{id}/x", "/{tenant}/s{n}/{id}", "/s{n}"])
def test_ten_thousand_routes_cost_what_ten_cost(pattern: str) -> None:
    def made(number: int) -> RouteTable:
        return RouteTable([route(pattern.replace("{n}", str(n))) for n in range(number)])

    paths = [pattern.replace("{n}", str(n)).replace("{", "").replace("}", "") for n in range(10)] * 20
    assert _seconds(made(10_000), paths) < 8 * _seconds(made(10), paths)


def test_ten_thousand_conditions_of_one_path_cost_what_ten_cost() -> None:
    def made(number: int) -> RouteTable:
        where = [route_conditions({"X-Version": str(n)}, {}) for n in range(number)]
        return RouteTable([route("/", where=one) for one in where])

    assert _seconds(made(10_000), ["/a"] * 200) < 8 * _seconds(made(10), ["/a"] * 200)
