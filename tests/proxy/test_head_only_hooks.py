from collections.abc import Callable
from typing import Any

import pytest

from gateway.http.exchange import Exchange, ForwardHead, Response, ResponseHead
from gateway.http.problems import NO_ROUTE, Problem
from gateway.proxy.head_only_hooks import apply_to_request, apply_to_response
from tests.proxy.routing import request, route

REQUEST, ROUTE = request("/orders/7"), route("/orders")


def sent() -> ForwardHead:
    return ForwardHead("GET", b"/orders/7", [(b"X-A", b"1")])


def came() -> ResponseHead:
    return ResponseHead(200, b"OK", [(b"X-A", b"1")])


def test_hooks_change_the_head_one_after_the_other() -> None:
    def mark(exchange: Exchange) -> None:
        forward = exchange.forward
        assert forward is not None
        forward.set("X-A", (dict(forward.headers)[b"X-A"] + b"+").decode())

    shaped = apply_to_request([mark, mark], REQUEST, ROUTE, sent())
    assert shaped.headers == [(b"X-A", b"1++")]
    assert apply_to_request([], REQUEST, ROUTE, shaped) is shaped


def test_a_hook_can_put_another_head_in_its_place() -> None:
    def another(exchange: Exchange) -> None:
        exchange.response = ResponseHead(299, b"Else", [])

    assert apply_to_response([another], came()) == ResponseHead(299, b"Else", [])


@pytest.mark.parametrize(
    "name", ["token", "request_id", "state", "added_response_headers", "response", "timeouts"]
)
def test_of_a_request_nothing_is_there_but_what_was_asked_and_where_it_goes(name: str) -> None:
    seen: list[object] = []
    apply_to_request([lambda exchange: seen.append(exchange.request.target)], REQUEST, ROUTE, sent())
    apply_to_request([lambda exchange: seen.append(exchange.route)], REQUEST, ROUTE, sent())
    assert seen == [b"/orders/7", ROUTE]
    with pytest.raises(AttributeError):
        apply_to_request([lambda exchange: getattr(exchange, name)], REQUEST, ROUTE, sent())


@pytest.mark.parametrize("name", ["token", "max_body", "timeouts", "state", "nonsense"])
def test_nothing_can_be_set_but_heads(name: str) -> None:
    with pytest.raises(AttributeError):
        apply_to_request([lambda exchange: setattr(exchange, name, None)], REQUEST, ROUTE, sent())


def test_who_sent_it_is_not_reported() -> None:
    addresses: list[str] = []
    apply_to_request(
        [lambda exchange: addresses.append(exchange.request.peer.address)], REQUEST, ROUTE, sent()
    )
    assert addresses == [""]


@pytest.mark.parametrize("name", ["token", "request", "route", "forward"])
def test_of_an_answer_nothing_is_there_but_its_head(name: str) -> None:
    with pytest.raises(AttributeError):
        apply_to_response([lambda exchange: getattr(exchange, name)], came())


def refuses(exchange: Exchange) -> None:
    raise Problem(NO_ROUTE)


@pytest.mark.parametrize(
    ("hook", "error"),
    [(lambda exchange: Response(418), TypeError), (refuses, Problem)],
    ids=["answers", "refuses"],
)
def test_it_can_refuse_but_not_answer(hook: Callable[[Exchange], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        apply_to_request([hook], REQUEST, ROUTE, sent())
    with pytest.raises(error):
        apply_to_response([hook], came())
