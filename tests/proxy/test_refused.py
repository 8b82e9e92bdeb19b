import json

import pytest

from gateway.exchange import Headers
from gateway.oauth.bearer import Refusal
from gateway.proxy.answers import answer_bytes, fault_answer
from gateway.proxy.refused import prepared, refused
from tests.proxy.routing import route

ROUTE = route("/orders", scope_text="orders.read")


@pytest.mark.parametrize("refusal", Refusal)
@pytest.mark.parametrize("extra", [[], [(b"X-Request-Id", b"1")]], ids=["plain", "added"])
@pytest.mark.parametrize("keep_alive", [True, False], ids=["kept", "closed"])
def test_it_makes_the_same_bytes_as_the_long_way(refusal: Refusal, extra: Headers, keep_alive: bool) -> None:
    answer = fault_answer(refused(refusal, ROUTE, "gate"), 'id-"1')
    expected = answer_bytes(
        answer, extra, method="GET", version=(1, 1), keep_alive=keep_alive, now=1_800_000_000.0
    )
    ready = prepared(refusal, ROUTE, "gate")
    body = ready.body('id-"1')
    assert ready.message(body, extra, keep_alive=keep_alive, now=1_800_000_000.0) == expected
    assert (ready.status, body) == (answer.status, answer.body)
    assert json.loads(body)["request_id"] == 'id-"1'


def test_a_refusal_is_worked_out_once() -> None:
    assert prepared(Refusal.INVALID, ROUTE, "gate") is prepared(Refusal.INVALID, ROUTE, "gate")
    assert prepared(Refusal.INVALID, route("/b"), "gate") is not prepared(Refusal.INVALID, ROUTE, "gate")


def test_a_lacking_scope_is_named() -> None:
    assert b'scope="orders.read"' in prepared(Refusal.SCOPE, ROUTE, "gate").start
