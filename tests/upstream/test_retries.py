"""When a request may be sent again."""

from __future__ import annotations

import pytest

from gateway.upstream.retries import CONNECT, RESET, RetryBudget, may_retry
from gateway.upstream.settings import RetrySettings
from tests.upstream.defaults import retries_of

EVERYTHING = retries_of(attempts=2, on=frozenset({"connect", "reset", "503"}))


def judge(
    reason: str,
    method: str = "GET",
    attempts: int = 0,
    settings: RetrySettings = EVERYTHING,
    *,
    body_begun: bool = False,
) -> bool:
    return may_retry(settings, reason, method=method, attempts=attempts, body_begun=body_begun)


@pytest.mark.parametrize("reason", [CONNECT, RESET, "503"])
def test_what_is_idempotent_may_be_repeated(reason: str) -> None:
    assert all(judge(reason, method) for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))


@pytest.mark.parametrize("method", ["POST", "PATCH", "CONNECT", "get", "MADE-UP"])
def test_the_rest_only_if_nothing_has_left(method: str) -> None:
    assert judge(CONNECT, method)
    assert not judge(RESET, method)
    assert not judge("503", method)


def test_a_body_that_is_gone_can_not_be_sent_again() -> None:
    assert not judge(CONNECT, body_begun=True)
    assert not judge("503", "PUT", body_begun=True)


def test_only_what_is_wished() -> None:
    assert not judge("502")
    assert not judge(RESET, settings=retries_of())
    assert not judge(CONNECT, settings=retries_of(attempts=0))


def test_not_for_ever() -> None:
    assert judge(CONNECT, attempts=1)
    assert not judge(CONNECT, attempts=2)


def test_retries_are_a_fifth_of_the_requests_at_most() -> None:
    budget = RetryBudget()
    spent = 0
    for _ in range(1000):
        budget.earn()
        spent += budget.spend()
    assert 200 <= spent <= 211


def test_quiet_times_are_not_saved_up_for_ever() -> None:
    budget = RetryBudget()
    for _ in range(100_000):
        budget.earn()
    spent = 0
    while budget.spend():
        spent += 1
    assert spent <= 101
