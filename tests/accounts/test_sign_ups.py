import asyncio

import pytest

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.accounts.sign_ups import MAX_SIGN_UPS, SignUpLimiter
from gateway.store import Store


async def test_ten_accounts_an_address_and_minute_may_be_made_however_many_are_wanted_at_once(
    store: Store,
) -> None:
    limiter = SignUpLimiter(store.attempts)
    done = await asyncio.gather(
        *(limiter.count(f"2001:db8::{number:x}") for number in range(60)), return_exceptions=True
    )
    refused = [error for error in done if isinstance(error, TooManyAttempts)]
    assert (MAX_SIGN_UPS, len(done) - len(refused)) == (10, 10)
    assert all(1 <= error.retry_after <= 60 for error in refused)
    await limiter.count("2001:db8:0:1::1")


async def test_a_sign_up_that_is_refused_says_why(store: Store) -> None:
    limiter = SignUpLimiter(store.attempts)
    for _ in range(MAX_SIGN_UPS):
        await limiter.count("192.0.2.1")
    with pytest.raises(TooManyAttempts, match="Too many accounts"):
        await limiter.count("192.0.2.1")
