import json

import pytest

from gateway.http.exchange import Headers
from gateway.http.responses import problem_response, response_bytes
from gateway.oauth.bearer import AuthError
from gateway.proxy.challenges import auth_problem, prepared_challenge
from tests.proxy.routing import route

ROUTE = route("/orders", scope_text="orders.read")


@pytest.mark.parametrize("refusal", AuthError)
@pytest.mark.parametrize("extra", [[], [(b"X-Request-Id", b"1")], [(b"A", b"1"), (b"B", b"")]], ids=len)
@pytest.mark.parametrize("keep_alive", [True, False], ids=["kept", "closed"])
@pytest.mark.parametrize("request_id", ["0a1B", "", 'id-"1', "é", "a b\\"])
def test_it_makes_the_same_bytes_as_the_long_way(
    refusal: AuthError, extra: Headers, keep_alive: bool, request_id: str
) -> None:
    answer = problem_response(auth_problem(refusal, ROUTE, "gate"), request_id)
    expected = response_bytes(
        answer, extra, method="GET", version=(1, 1), keep_alive=keep_alive, now=1_800_000_000.0
    )
    ready = prepared_challenge(refusal, ROUTE, "gate")
    body = ready.body(request_id)
    assert ready.message(body, extra, keep_alive=keep_alive, now=1_800_000_000.0) == expected
    assert (ready.status, body) == (answer.status, answer.body)
    assert json.loads(body)["request_id"] == request_id


def test_each_answer_has_its_own_second_length_and_end() -> None:
    ready = prepared_challenge(AuthError.INVALID, route("/each"), "gate")
    problem = auth_problem(AuthError.INVALID, route("/each"), "gate")
    for now in (1_800_000_000.0, 1_800_000_000.9, 1_800_000_001.0):
        for request_id in ("1", "2", "33"):
            for keep_alive in (True, False, True):
                expected = response_bytes(
                    problem_response(problem, request_id), [], method="GET", version=(1, 1),
                    keep_alive=keep_alive, now=now,
                )  # fmt: skip
                made = ready.message(ready.body(request_id), [], keep_alive=keep_alive, now=now)
                assert made == expected


def test_a_refusal_is_worked_out_once() -> None:
    assert prepared_challenge(AuthError.INVALID, ROUTE, "gate") is prepared_challenge(
        AuthError.INVALID, ROUTE, "gate"
    )
    assert prepared_challenge(AuthError.INVALID, route("/b"), "gate") is not prepared_challenge(
        AuthError.INVALID, ROUTE, "gate"
    )


def test_a_lacking_scope_is_named() -> None:
    assert b'scope="orders.read"' in prepared_challenge(AuthError.SCOPE, ROUTE, "gate").start
