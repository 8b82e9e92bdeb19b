from gateway.http.exchange import Exchange, ForwardHead, ResponseHead
from gateway.http.upstream_names import UpstreamNames
from gateway.proxy.public_response import with_public_urls
from tests.proxy.routing import request, route

NAMES = UpstreamNames(b"/orders")
MOVED = ResponseHead(302, b"Found", [(b"Location", b"/login")])


def exchange(**changes: object) -> Exchange:
    taken = route("/orders", strip=1, **({"upstream_names": NAMES} | changes))
    return Exchange(request("/orders/7"), taken, "id")


def test_the_upstreams_head_is_not_changed() -> None:
    assert with_public_urls(MOVED, exchange()).headers == [(b"Location", b"/orders/login")]
    assert MOVED.headers == [(b"Location", b"/login")]


def test_what_needs_no_change_stays_the_same_head() -> None:
    for headers in ([], [(b"Server", b"x")], [(b"Location", b"https://other.example/")]):
        head = ResponseHead(200, b"OK", headers)
        assert with_public_urls(head, exchange()) is head
    assert with_public_urls(MOVED, exchange(upstream_names=None)) is MOVED


def test_a_relative_reference_is_read_by_the_path_that_a_plugin_sent() -> None:
    relative = ResponseHead(302, b"Found", [(b"Location", b"next")])
    sent = exchange()
    assert with_public_urls(relative, sent) is relative
    sent.forward = ForwardHead("GET", b"/a/b?x", [])
    assert with_public_urls(relative, sent).headers == [(b"Location", b"/orders/a/next")]
