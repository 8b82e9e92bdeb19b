import pytest

from gateway.http.exchange import Header
from gateway.proxy.pipeline import compile_pipeline
from gateway.proxy.preflight import preflight_route
from gateway.proxy.route_table import RouteTable
from plugins.cors import Cors
from tests.plugins.exchanges import made
from tests.proxy.routing import request, route

ANSWERS = compile_pipeline([made(Cors, origins=["https://a"])])
ROUTES = RouteTable(
    [
        route("/orders", methods=("GET",), upstream_name="get", pipeline=ANSWERS),
        route("/orders", methods=("POST",), upstream_name="post"),
        route("/all", upstream_name="all", pipeline=ANSWERS),
    ]
)
ORIGIN = (b"Origin", b"https://a")


def asks(method: str) -> Header:
    return (b"Access-Control-Request-Method", method.encode())


def found(path: str, *headers: Header, method: str = "OPTIONS") -> str | None:
    taken = preflight_route(ROUTES, request(path, method, "localhost", *headers))
    return None if taken is None else taken.upstream_name


def test_it_is_the_route_of_the_request_that_is_asked_about() -> None:
    assert found("/orders/7", ORIGIN, asks("GET")) == "get"
    assert found("/all", ORIGIN, asks("PATCH")) == "all"


@pytest.mark.parametrize(
    ("path", "headers", "method"),
    [
        ("/orders", (ORIGIN, asks("POST")), "OPTIONS"),
        ("/orders", (ORIGIN, asks("DELETE")), "OPTIONS"),
        ("/nowhere", (ORIGIN, asks("GET")), "OPTIONS"),
        ("/orders", (ORIGIN,), "OPTIONS"),
        ("/orders", (asks("GET"),), "OPTIONS"),
        ("/orders", (ORIGIN, asks("GET")), "GET"),
    ],
)
def test_everything_else_goes_the_usual_way(path: str, headers: tuple[Header, ...], method: str) -> None:
    assert found(path, *headers, method=method) is None
