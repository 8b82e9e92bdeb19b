"""The limits of failed attempts come from gateway.yaml."""

import pytest

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.assembly.brute_force import PASSWORD_DELAY, SECRET_DELAY, attempt_limiter
from gateway.store import Store
from tests.config.example import settings


async def test_the_limits_are_those_of_the_file(store: Store) -> None:
    limiter = attempt_limiter("token", settings("guessing: {client: 2, address: 3, per: 1h}"), store)
    for name in ("a", "b", "c"):
        await limiter.failed(limiter.attempt(name, "192.0.2.1"), limiter.tick())
    with pytest.raises(TooManyAttempts) as caught:
        await limiter.failed(limiter.attempt("d", "192.0.2.1"), limiter.tick())
    assert 3590 < caught.value.retry_after <= 3600


async def test_a_password_takes_longer_to_judge_and_so_its_answer_is_held_longer(store: Store) -> None:
    for area, least in (("token", SECRET_DELAY), ("portal", PASSWORD_DELAY)):
        limiter = attempt_limiter(area, settings("logging: {}"), store)  # type: ignore[arg-type]  # both are areas
        hold = await limiter.failed(limiter.attempt("ann", "192.0.2.1"), limiter.tick())
        assert least < hold <= 2 * least
