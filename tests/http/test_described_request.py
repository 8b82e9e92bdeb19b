"""What proxies say of the requests that they ask about, and what is made of it."""

from __future__ import annotations

import pytest

from gateway.http.described_request import (
    check_overrides,
    described_request,
    described_scheme,
    rest_of_target,
)
from gateway.http.exchange import Header, RequestHead
from gateway.http.forwarded import direct_peer
from gateway.http.problems import Problem
from gateway.http.request_head import read_head
from gateway.http.upgrade import asked_upgrade
from tests.proxy.routing import route

PREFIXES = (b"/auth/verify", b"/base/auth/verify")
CLIENT = direct_peer("192.0.2.7", "https")


def question(
    *headers: str, target: str = "/auth/verify", method: str = "GET", host: str = "a"
) -> RequestHead:
    pairs: list[Header] = [(b"Host", host.encode())]
    for header in headers:
        name, _, value = header.partition(": ")
        pairs.append((name.encode(), value.encode()))
    return read_head(method, target.encode(), (1, 1), pairs, direct_peer("127.0.0.1", "http"))


def described(
    *headers: str, target: str = "/auth/verify", method: str = "GET", host: str = "a"
) -> RequestHead:
    asked = question(*headers, target=target, method=method, host=host)
    rest = rest_of_target(asked.target, PREFIXES)
    assert rest is not None
    return described_request(asked, rest, CLIENT)


def refused(*headers: str, **how: str) -> str:
    with pytest.raises(Problem) as caught:
        described(*headers, **how)
    assert caught.value.kind.status in (400, 501)
    return caught.value.detail


NGINX = ("X-Original-Method: DELETE", "X-Original-URL: https://api.example.org/orders/7?a=%2F")
TRAEFIK = (
    "X-Forwarded-Method: DELETE",
    "X-Forwarded-Uri: /orders/7?a=%2F",
    "X-Forwarded-Host: api.example.org",
)
ENVOY = {"target": "/auth/verify/orders/7?a=%2F", "method": "DELETE", "host": "api.example.org"}


@pytest.mark.parametrize(
    ("headers", "how"),
    [
        (NGINX, {}),
        (("X-Original-Method: DELETE", "X-Original-URL: /orders/7?a=%2F"), {"host": "API.example.org"}),
        (TRAEFIK, {}),
        (TRAEFIK, {"method": "POST", "host": "gatepost:8280"}),
        (TRAEFIK, {"target": "/auth/verify?a=%2F", "host": "gatepost:8280"}),
        (TRAEFIK[:2], {"host": "api.example.org"}),
        ((), ENVOY),
        ((), ENVOY | {"target": "/base" + ENVOY["target"]}),
        ((*NGINX, *TRAEFIK), ENVOY),
    ],
)
def test_each_proxys_description_of_a_request_is_that_request(
    headers: tuple[str, ...], how: dict[str, str]
) -> None:
    head = described(*headers, **how)
    assert (head.method, head.host, head.target) == ("DELETE", "api.example.org", b"/orders/7?a=%2F")
    assert (head.path, head.query, head.segments) == (b"/orders/7", b"a=%2F", ("orders", "7"))
    assert head.peer is CLIENT
    assert head.values(b"host") == (b"api.example.org",)


@pytest.mark.parametrize(
    "path", ["/", "//x", "/a%2Fb", "/A;b=1/", "/a?", "/a?x=/auth/verify", "/auth/verify/a"]
)
def test_the_path_is_taken_byte_for_byte(path: str) -> None:
    for head in (
        described("X-Original-Method: GET", f"X-Original-URL: {path}"),
        described("X-Original-Method: GET", f"X-Original-URL: http://a{path}"),
        described("X-Forwarded-Method: GET", f"X-Forwarded-Uri: {path}"),
        described(target="/auth/verify" + path),
    ):
        assert head.target == path.encode()


CONTRADICTIONS = [
    ((*NGINX, "X-Forwarded-Uri: /open"), {}, "path and query"),
    ((*NGINX, "X-Forwarded-Uri: /orders/7"), {}, "path and query"),
    ((*TRAEFIK, "X-Original-URL: /open"), {}, "path and query"),
    (NGINX, {"target": "/auth/verify/open", "method": "DELETE"}, "path and query"),
    (NGINX, {"target": "/auth/verify/", "method": "DELETE"}, "path and query"),
    (("X-Original-URL: /open",), ENVOY, "path and query"),
    (("X-Forwarded-Uri: /open",), ENVOY, "path and query"),
    ((*NGINX, "X-Forwarded-Method: GET"), {}, "method"),
    ((*TRAEFIK, "X-Original-Method: GET"), {}, "method"),
    ((*TRAEFIK, "X-Original-Method: delete"), {}, "method"),
    (("X-Original-Method: GET",), ENVOY, "method"),
    (("X-Forwarded-Method: GET",), ENVOY, "method"),
    ((*NGINX, "X-Forwarded-Host: open.example.org"), {}, "host"),
    (("X-Original-Method: GET", "X-Original-URL: /a", "X-Forwarded-Host: open.example.org"), {}, "host"),
    (("X-Forwarded-Host: open.example.org",), ENVOY, "host"),
    ((*NGINX, "X-Forwarded-Proto: http"), {}, "scheme"),
]


@pytest.mark.parametrize(("headers", "how", "what"), CONTRADICTIONS)
def test_descriptions_that_contradict_each_other_are_refused(
    headers: tuple[str, ...], how: dict[str, str], what: str
) -> None:
    assert refused(*headers, **how) == f"The request is described in contradiction: by more than one {what}."


@pytest.mark.parametrize(
    "name",
    [
        "Original-Method",
        "Original-URL",
        "Forwarded-Method",
        "Forwarded-Uri",
        "Forwarded-Host",
        "Forwarded-Proto",
    ],
)
def test_a_description_that_is_repeated_is_refused_even_where_it_says_the_same(name: str) -> None:
    given = {header.partition(": ")[0]: header for header in (*NGINX, *TRAEFIK, "X-Forwarded-Proto: https")}
    assert "is repeated" in refused(*given.values(), given[f"X-{name}"])


@pytest.mark.parametrize(
    ("headers", "how", "detail"),
    [
        ((), {}, "No method is described"),
        (("X-Original-URL: /a",), {}, "No method is described"),
        (("X-Forwarded-Uri: /a",), {"method": "POST"}, "No method is described"),
        (("X-Original-Method: GET",), {}, "No request is described"),
        ((), {"target": "/auth/verify?a=1"}, "No method is described"),
        (("X-Forwarded-Method: GET", "X-Forwarded-Uri: http://a/b"), {}, "does not begin with a slash"),
        (("X-Forwarded-Method: GET", "X-Forwarded-Uri: a"), {}, "does not begin with a slash"),
        (("X-Original-Method: GET", "X-Original-URL: a"), {}, "malformed"),
        (("X-Original-Method: GET", "X-Original-URL: ftp://a/b"), {}, "malformed"),
        (("X-Original-Method: GET", "X-Original-URL: http://u@a/b"), {}, "malformed"),
        (("X-Original-Method: GET", "X-Original-URL: http://a b/c"), {}, "host"),
        (("X-Original-Method: OPTIONS", "X-Original-URL: *"), {}, "no path"),
        (("X-Original-Method: GET", "X-Original-URL: "), {}, "malformed"),
        (("X-Original-Method: GET", "X-Original-URL: /a/../b"), {}, "dot segment"),
        (("X-Forwarded-Method: GET", "X-Forwarded-Uri: /a/%2e%2e;x/b"), {}, "dot segment"),
        (("X-Original-Method: GET", "X-Original-URL: /a b"), {}, "percent-encoded"),
        (("X-Original-Method: G T", "X-Original-URL: /a"), {}, "method"),
        (("X-Original-Method: ", "X-Original-URL: /a"), {}, "method"),
        (("X-Original-Method: CONNECT", "X-Original-URL: /a"), {}, "not known"),
        (("X-Forwarded-Method: GET", "X-Forwarded-Uri: /a", "X-Forwarded-Host: a, b"), {}, "host"),
    ],
)
def test_a_description_without_a_request_or_of_none_is_refused(
    headers: tuple[str, ...], how: dict[str, str], detail: str
) -> None:
    assert detail in refused(*headers, **how)


def test_a_host_counts_as_the_proxy_was_asked_for_it() -> None:
    assert described(*TRAEFIK, host="gatepost:8280").host == "api.example.org"
    assert described(*NGINX, host="gatepost:8280").host == "api.example.org"
    assert (
        described(*NGINX[:1], "X-Original-URL: /", host="api.example.org:444").host == "api.example.org:444"
    )


def test_the_request_has_its_own_headers_and_none_of_the_question() -> None:
    sent = (
        *NGINX,
        "Content-Length: 0",
        "Connection: close",
        "X-Forward-Auth-Secret: s",
        "Cookie: a=1",
        "X-Forwarded-For: 1.2.3.4",
    )
    names = [name.decode() for name, _ in described(*sent).headers]
    assert names == ["Host", "Cookie", "X-Forwarded-For"]


@pytest.mark.parametrize("header", ["Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"])
def test_a_websocket_is_known_by_what_proxies_hand_on_of_it(header: str) -> None:
    assert asked_upgrade(described(*NGINX, header)) == b"websocket"
    assert asked_upgrade(described(*NGINX)) is None


def test_the_scheme_is_that_of_the_url() -> None:
    assert described_scheme(question(*NGINX)) == "https"
    assert described_scheme(question("X-Original-URL: /a")) is None
    assert described_scheme(question(*TRAEFIK)) is None
    assert described(*NGINX, "X-Forwarded-Proto: wss").host == "api.example.org"


@pytest.mark.parametrize(
    "name",
    [
        "X-HTTP-Method-Override",
        "X_HTTP_Method_Override",
        "X-Rewrite-URL",
        "X-Forwarded-Path",
        "X_Original_URL",
    ],
)
def test_headers_that_would_make_another_request_of_it_are_refused(name: str) -> None:
    head = described(*NGINX, f"{name}: GET")
    with pytest.raises(Problem, match="could make another request"):
        check_overrides(head, route("/orders"))
    check_overrides(head, route("/orders", allow_headers=frozenset({name.lower().encode()})))
    check_overrides(described(*NGINX), route("/orders"))


def test_only_what_is_below_the_endpoint_is_a_description() -> None:
    assert rest_of_target(b"/auth/verifyx", PREFIXES) is None
    assert rest_of_target(b"/auth/verif%79/a", PREFIXES) is None
    assert rest_of_target(b"/auth/verify", PREFIXES) == b""
    assert rest_of_target(b"/base/auth/verify/?a", PREFIXES) == b"/?a"
