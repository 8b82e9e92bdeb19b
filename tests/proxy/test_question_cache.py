"""What is remembered of questions is the same as what is read anew."""

from __future__ import annotations

import pytest

from gateway.http.asking_proxies import AskingProxies
from gateway.http.forwarded import TrustedProxies, direct_peer
from gateway.http.route import HEADER, RouteConditions
from gateway.oauth.bearer import BearerCredentials
from gateway.proxy.question_cache import CachedQuestion, question_reader
from gateway.proxy.route_table import RouteTable
from gateway.proxy.simple_request import parse_simple_head
from tests.proxy.routing import route

ROUTES = [route("/orders", methods=("GET", "HEAD")), route("/open", protected=False)]
TABLE = RouteTable(ROUTES)
BY_ADDRESS = route("/", where=RouteConditions(((HEADER, "x-forwarded-for"),), ("192.0.2.77",)))
NGINX = b"X-Original-Method: GET\r\nX-Original-URL: /orders/7\r\n"
TOKEN = b"Authorization: Bearer %s\r\n"
PROXY = direct_peer("10.0.0.1", "http")
PROXIES = AskingProxies(TrustedProxies(["10.0.0.1"]))


def question(*lines: bytes, line: bytes = b"GET /auth/verify") -> bytes:
    return line + b" HTTP/1.1\r\nHost: a\r\n" + b"".join(lines) + b"\r\n"


def read(data: bytes, *before: bytes, table: RouteTable = TABLE) -> CachedQuestion | None:
    """What a reader finds that has read others before."""
    reader = question_reader(table, (b"/auth/verify",))
    for other in before:
        reader(other)
    return reader(data)


BEFORE = question(NGINX, TOKEN % b"one", b"X-Forwarded-For: 192.0.2.1\r\n")


@pytest.mark.parametrize(
    "lines",
    [
        (NGINX, TOKEN % b"two", b"X-Forwarded-For: 192.0.2.2, 10.0.0.7\r\n"),
        (NGINX, b"authorization: bearer two\r\n", b"x-forwarded-for: 2001:db8::1\r\n"),
        (NGINX, TOKEN % b"x", b"X-Forwarded-For: x\r\n"),
        (NGINX, TOKEN % b"two", b"X-Forwarded-For: unknown\r\n"),
        (NGINX, b"X-Forwarded-For: 192.0.2.2\r\n"),
        (NGINX, TOKEN % b"two", b"X-Forwarded-For: 192.0.2.2\r\n", b"X-Forwarded-For: 192.0.2.3\r\n"),
        (NGINX, TOKEN % b"two", TOKEN % b"three"),
        (NGINX, TOKEN % b"two", b"Authorization: Basic eA==\r\n"),
        (NGINX, TOKEN % b"two", b"X-Forwarded-For:192.0.2.2\r\n", b"X-Forwarded-For: 192.0.2.3\r\n"),
        (NGINX, b"X-A: Authorization: Bearer one\r\n", b"Authorization:  Bearer two\r\n"),
        (NGINX, b"Authorization: DPoP two\r\n"),
        (NGINX,),
    ],
)
def test_a_question_like_one_before_is_read_as_if_there_had_been_none(lines: tuple[bytes, ...]) -> None:
    data = question(*lines)
    twin = data.replace(b"Bearer two", b"Bearer 2").replace(b"192.0.2.2", b"192.0.2.9")
    # Where a route goes by the address, no two addresses share anything.
    anew = read(data, table=RouteTable([*ROUTES, BY_ADDRESS]))
    assert anew is not None
    assert read(data, BEFORE, twin) == anew
    assert read(data, twin, data, BEFORE) == anew
    block = parse_simple_head(data)
    assert block is not None
    assert anew.headers == block.block.headers


def test_the_token_and_the_client_are_those_of_the_question() -> None:
    found = read(question(NGINX, TOKEN % b"two", b"X-Forwarded-For: 192.0.2.2\r\n"), BEFORE)
    assert found is not None
    assert found.credentials == BearerCredentials("two", dpop=False)
    request = found.request_from(PROXY, PROXIES)
    assert request is not None
    assert (request.peer.address, request.value(b"authorization")) == ("192.0.2.2", b"Bearer two")


def test_whether_the_proxy_may_ask_is_judged_for_each_connection() -> None:
    found = read(question(NGINX, b"X-Forwarded-For: 192.0.2.2\r\n"))
    assert found is not None
    stranger = direct_peer("192.0.2.66", "http")
    assert found.request_from(PROXY, PROXIES) is not None
    assert found.request_from(stranger, PROXIES) is None
    assert found.request_from(PROXY, PROXIES) is found.head
    assert found.request_from(direct_peer("10.0.0.2", "http"), PROXIES) is None


@pytest.mark.parametrize(
    "data",
    [
        question(),
        question(b"X-Original-Method: GET\r\nX-Original-URL: /nowhere\r\n"),
        question(b"X-Original-Method: POST\r\nX-Original-URL: /orders\r\n"),
        question(b"X-Original-Method: OPTIONS\r\nX-Original-URL: /open\r\n"),
        question(b"X-Original-Method: HEAD\r\nX-Original-URL: /orders\r\n"),
        question(NGINX, b"X-Forwarded-Uri: /open\r\n"),
        question(NGINX, b"X-HTTP-Method-Override: DELETE\r\n"),
        question(NGINX, b"TE: trailers\r\n"),
        question(line=b"GET /auth/verify/Orders/%37"),
        question(line=b"GET /auth/verif%79/orders"),
    ],
)
def test_what_is_refused_or_not_simple_is_left_to_aiohttp(data: bytes) -> None:
    assert read(data) is None


def test_a_token_that_makes_the_head_too_large_is_left_to_aiohttp() -> None:
    large = question(NGINX, TOKEN % (b"a" * 40_000))
    assert read(large, BEFORE) is None
