"""The cookie of sticky sessions."""

from __future__ import annotations

import pytest

from gateway.http.exchange import Exchange, Header
from gateway.proxy.sticky_sessions import StickySessions, cookie_value
from tests.proxy.routing import request, route

SERVERS = ["http://10.0.0.1:9001", "http://10.0.0.2:9001"]


def sessions(key: bytes = b"k" * 32, upstream: str = "shop") -> StickySessions:
    return StickySessions("srv", upstream, lambda: key, lambda: iter(SERVERS))


def exchange(*headers: Header) -> Exchange:
    return Exchange(request("/", "GET", "localhost", *headers), route("/"), "id")


def value_of(cookies: StickySessions, server: str) -> bytes:
    return cookies.set_cookie(server, secure=True).partition(b";")[0].partition(b"=")[2]


def test_the_value_is_the_same_in_every_worker_and_shows_no_address() -> None:
    assert sessions().set_cookie(SERVERS[0], secure=True) == sessions().set_cookie(SERVERS[0], secure=True)
    values = {value_of(sessions(), server) for server in SERVERS}
    values |= {value_of(sessions(b"x" * 32), SERVERS[0]), value_of(sessions(upstream="other"), SERVERS[0])}
    assert len(values) == 4
    assert all(len(value) == 32 and b"10.0" not in value for value in values)


@pytest.mark.parametrize("server", SERVERS)
def test_a_client_with_the_cookie_stays_and_gets_no_other(server: str) -> None:
    cookie = b"a=b; srv=" + value_of(sessions(), server) + b"; c=d"
    one = exchange((b"Cookie", cookie))
    session = sessions().begin(one)
    assert session.wanted == server
    session.served_by(server)
    assert one.added_response_headers == []


def test_a_client_that_got_another_server_gets_its_cookie() -> None:
    one = exchange((b"Cookie", b"srv=" + value_of(sessions(), SERVERS[0])))
    sessions().begin(one).served_by(SERVERS[1])
    ((name, value),) = one.added_response_headers
    assert name == b"Set-Cookie"
    expected = b"srv=" + value_of(sessions(), SERVERS[1]) + b"; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert value == expected


@pytest.mark.parametrize(
    "cookie", [b"srv=" + b"0" * 32, b"srv=", b"srv", b"other=1", b"srv=http://10.0.0.1:9001", b""]
)
def test_a_cookie_that_stands_for_no_server_is_as_none(cookie: bytes) -> None:
    assert sessions().begin(exchange((b"Cookie", cookie))).wanted is None


def test_cookies_are_found_in_any_of_several_headers() -> None:
    assert cookie_value([b"a=1", b"b=2; srv=3;d=4"], b"srv") == b"3"
    assert cookie_value([b"xsrv=1"], b"srv") is None
