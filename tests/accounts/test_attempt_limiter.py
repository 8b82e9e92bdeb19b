"""The limits of one area. More is in test_clients.py, test_users.py and store/test_failed_attempts.py."""

import pytest

from gateway.accounts.attempt_limiter import AttemptLimiter, RefusalPacer, TooManyAttempts
from gateway.oauth.brute_force import LockoutPolicy
from gateway.store import Store


def test_refusals_that_come_at_once_go_out_one_after_the_other_but_soon() -> None:
    pacer = RefusalPacer(pause=0.25, longest=1.0)
    assert [pacer.delay(10.0) for _ in range(6)] == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    assert pacer.delay(10.5) == 0.75
    assert pacer.delay(99.0) == 0.0


async def test_what_can_not_be_guessed_is_never_locked_out(store: Store) -> None:
    limiter = AttemptLimiter("token", store.attempts, LockoutPolicy(pair_limit=1, first_delay=0.0))
    attempt = limiter.attempt("shop", "2001:db8::1")
    await limiter.failed(attempt, 0.0)
    await limiter.succeeded(attempt, 0.0, guessable=False)
    for refused in (limiter.succeeded(attempt, 0.0), limiter.refuse_if_locked(attempt)):
        with pytest.raises(TooManyAttempts) as caught:
            await refused
        assert 1 <= caught.value.retry_after <= 60


async def test_areas_have_limits_of_their_own(store: Store) -> None:
    rules = LockoutPolicy(pair_limit=1, first_delay=0.0)
    token, portal = (AttemptLimiter(area, store.attempts, rules) for area in ("token", "portal"))
    await token.failed(token.attempt("ann", "192.0.2.1"), 0.0)
    await portal.refuse_if_locked(portal.attempt("ann", "192.0.2.1"))


async def test_the_failure_that_begins_a_lock_is_logged_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = AttemptLimiter("token", store.attempts, LockoutPolicy(pair_limit=2, first_delay=0.0))
    attempt = limiter.attempt("shop", "192.0.2.1")
    for _ in range(2):
        await limiter.failed(attempt, 0.0)
    for _ in range(3):
        with pytest.raises(TooManyAttempts):
            await limiter.failed(attempt, 0.0)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "192.0.2.1" in caplog.text
