import pytest

from gateway.http.problems import Problem
from gateway.http.route_target import upstream_target
from gateway.proxy.route_table import RouteTable
from tests.proxy.routing import request, route


def found(table: RouteTable, path: str, method: str = "GET", host: str = "localhost") -> str:
    return table.match(request(path, method, host)).upstream_name


def test_the_longest_prefix_of_whole_segments_wins() -> None:
    table = RouteTable(
        [route("/", upstream_name="root"), route("/a", upstream_name="a"), route("/a/b", upstream_name="ab")]
    )
    assert found(table, "/a/b/c") == "ab"
    assert found(table, "/a/bc") == "a"
    assert found(table, "/ab") == "root"
    assert found(table, "/") == "root"


def test_an_encoded_spelling_is_the_same_route() -> None:
    table = RouteTable([route("/", upstream_name="open"), route("/admin", upstream_name="admin")])
    assert found(table, "/%61dmin/x") == "admin"


def test_case_matters() -> None:
    table = RouteTable([route("/admin")])
    with pytest.raises(Problem):
        found(table, "/Admin")


def test_an_exact_route_takes_only_its_path_and_wins_there() -> None:
    table = RouteTable([route("/a", upstream_name="prefix"), route("/a", exact=True, upstream_name="exact")])
    assert found(table, "/a") == "exact"
    assert found(table, "/a/") == "prefix"
    assert found(table, "/a/b") == "prefix"


def test_no_route_is_404() -> None:
    with pytest.raises(Problem) as caught:
        found(RouteTable([route("/a")]), "/b")
    assert caught.value.kind.status == 404


def test_methods_share_a_path() -> None:
    table = RouteTable(
        [
            route("/a", methods=("GET", "HEAD"), upstream_name="read"),
            route("/a", methods=("POST",), upstream_name="write"),
        ]
    )
    assert (found(table, "/a"), found(table, "/a", "POST")) == ("read", "write")


def test_another_method_is_405_and_says_which_there_are() -> None:
    table = RouteTable(
        [
            route("/", upstream_name="root"),
            route("/a", methods=("GET", "HEAD")),
            route("/a", methods=("POST",)),
        ]
    )
    with pytest.raises(Problem) as caught:
        found(table, "/a/b", "DELETE")
    assert caught.value.kind.status == 405
    assert caught.value.headers == [(b"Allow", b"GET, HEAD, POST")]


def test_a_route_for_all_methods_takes_what_is_left() -> None:
    table = RouteTable(
        [route("/a", methods=("GET",), upstream_name="read"), route("/a", upstream_name="rest")]
    )
    assert (found(table, "/a"), found(table, "/a", "PATCH")) == ("read", "rest")


@pytest.mark.parametrize("method", ["TRACE", "TRACK"])
def test_a_route_takes_trace_only_where_its_methods_name_it(method: str) -> None:
    table = RouteTable([route("/a"), route("/b", methods=("GET",)), route("/c", methods=(method,))])
    with pytest.raises(Problem) as caught:
        found(table, "/a", method)
    assert caught.value.kind.status == 405
    assert caught.value.headers == [(b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")]
    with pytest.raises(Problem):
        found(table, "/b", method)
    assert found(table, "/c", method) == "orders"


def test_hosts_go_before_wildcards_before_all() -> None:
    table = RouteTable(
        [
            route("/", host="api.example.org", upstream_name="host"),
            route("/", host="*.example.org", upstream_name="wild"),
            route("/", host="*.eu.example.org", upstream_name="wilder"),
            route("/", upstream_name="all"),
            route("/only", upstream_name="only"),
        ]
    )
    assert found(table, "/", host="API.example.org:8243") == "host"
    assert found(table, "/", host="other.example.org.") == "wild"
    assert found(table, "/", host="x.eu.example.org") == "wilder"
    assert found(table, "/", host="example.org") == "all"
    assert found(table, "/", host="[::1]:80") == "all"


def test_a_path_that_no_host_route_takes_falls_to_the_routes_for_all() -> None:
    table = RouteTable([route("/a", host="api.example.org"), route("/b", upstream_name="all")])
    assert found(table, "/b", host="api.example.org") == "all"


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a/b", b"/"),
        ("/a/b/", b"/"),
        ("/a/b/c", b"/c"),
        ("/a/b/c%20d/?q=1", b"/c%20d/?q=1"),
        ("/a/b?q=/x", b"/?q=/x"),
        ("/a/b?", b"/?"),
        ("/%61/b/c", b"/c"),
    ],
)
def test_a_stripped_prefix_leaves_the_rest_byte_for_byte(path: str, sent: bytes) -> None:
    assert upstream_target(route("/a/b", strip=2), request(path)) == sent


def test_the_base_path_of_an_upstream_comes_first() -> None:
    assert upstream_target(route("/a", strip=1, base_path=b"/v1"), request("/a/x")) == b"/v1/x"
    assert upstream_target(route("/a", base_path=b"/v1"), request("/a/x?y")) == b"/v1/a/x?y"
    assert upstream_target(route("/a", strip=1, base_path=b"/v1"), request("/a?y")) == b"/v1/?y"


@pytest.mark.parametrize(
    ("base_path", "path", "asked", "sent"),
    [
        (b"/v1", "/mcp", "/mcp?y", b"/v1?y"),
        (b"/v1", "/mcp", "/mcp/", b"/v1/"),
        (b"/v1", "/", "/?y", b"/v1?y"),
        (b"/v1", "/", "/x", b"/v1/x"),
        (b"", "/mcp", "/mcp?y", b"/?y"),
        (b"", "/", "/", b"/"),
    ],
)
def test_an_mcp_servers_url_is_its_path(base_path: bytes, path: str, asked: str, sent: bytes) -> None:
    strip = 1 if path == "/mcp" else 0
    assert upstream_target(route(path, strip=strip, base_path=base_path, mcp=True), request(asked)) == sent


def test_ten_thousand_routes_are_found_like_ten() -> None:
    table = RouteTable([route(f"/r{n}/x", upstream_name=str(n)) for n in range(10_000)])
    assert found(table, "/r9999/x/y") == "9999"
