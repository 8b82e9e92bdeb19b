"""Brute-force protection as configured in `guessing`."""

from __future__ import annotations

from typing import Literal

from gateway.accounts.attempt_limiter import AttemptLimiter
from gateway.config.model import Settings
from gateway.oauth.brute_force import LockoutPolicy
from gateway.store import Store

Area = Literal["token", "portal", "password-grant", "registration"]
SECRET_DELAY = 0.05
PASSWORD_DELAY = 0.25
"""Seconds until the response to the first failure: longer than checking takes, so timing reveals nothing."""


def attempt_limiter(area: Area, settings: Settings, store: Store) -> AttemptLimiter:
    """A limiter for one area. Failures are counted per area: portal lock-outs don't affect `/token`."""
    guessing = settings.guessing
    policy = LockoutPolicy(
        pair_limit=guessing.client,
        address_limit=guessing.address,
        window=guessing.per,
        first_delay=SECRET_DELAY if area in ("token", "registration") else PASSWORD_DELAY,
    )
    return AttemptLimiter(
        area,
        store.attempts,
        policy,
        proxies_trusted=bool(settings.server.trusted_proxies),
        changes=store.changes,
    )
