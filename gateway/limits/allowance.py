"""A limit as a plugin applies it: one window or two, and the `RateLimit` headers of the response."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import NoReturn

from gateway.config.tiers import Rate
from gateway.http.exchange import Exchange, Header
from gateway.http.problems import RATE_LIMITED, Problem, retry_after
from gateway.limits.lease_sync import Deferred, Limits
from gateway.limits.rate_bucket import RateBucket, Window

Taken = list[tuple[RateBucket, float]]
"""The buckets that a request has taken from so far, and when."""


@dataclass(frozen=True, slots=True)
class LimitPart:
    """One window of an allowance."""

    name: str
    """The name in the store's keys."""
    window: Window
    label: bytes
    """The name in the `RateLimit` headers."""
    policy: Header
    seconds: int
    """Of the window, rounded up."""
    ends: float | None = None
    """End of a fixed period, in seconds since the epoch."""

    @classmethod
    def made(cls, name: str, window: Window, label: str, ends: float | None = None) -> LimitPart:
        """With all that does not depend on the request computed once."""
        quoted = f'"{label}"'.encode()
        seconds = ceil(window.length)
        policy = b"%s;q=%d;w=%d" % (quoted, window.limit, seconds)
        return cls(name, window, quoted, (b"RateLimit-Policy", policy), seconds, ends)


def rate_parts(name: str, rate: Rate, label: str) -> tuple[LimitPart, ...]:
    """The windows of a rate. A burst is a second window, as long as the rate takes for so many requests."""
    parts = [LimitPart.made(f"{name} {rate.per:g}", Window(rate.limit, rate.per), label)]
    if rate.burst is not None:
        short = Window(rate.burst, rate.per * rate.burst / rate.limit)
        parts.insert(0, LimitPart.made(f"{name} {rate.per:g} burst", short, f"{label}-burst"))
    return tuple(parts)


def admit(
    limits: Limits, parts: tuple[LimitPart, ...], subject: str, exchange: Exchange
) -> Awaitable[None] | None:
    """Counts one request. Returns an awaitable where the store must decide.

    Raises:
        Problem: 429 with `Retry-After`; nothing is counted then.
    """
    now = limits.now()
    taken: Taken = []
    for part in parts:
        bucket = limits.find(part.name, subject, part.window, now)
        if not limits.take_leased(bucket, now):
            return _admit_unleased(limits, parts[len(taken) :], subject, exchange, taken)
        taken.append((bucket, now))
        _admitted(part, bucket, exchange, now, admitted=True)
    return None


def _admit_unleased(
    limits: Limits, parts: tuple[LimitPart, ...], subject: str, exchange: Exchange, taken: Taken
) -> Awaitable[None] | None:
    """The same for the remaining windows, from the first without a lease."""
    now = limits.now()
    for number, part in enumerate(parts):
        bucket = limits.find(part.name, subject, part.window, now)
        admitted = limits.take(bucket, now)
        if not isinstance(admitted, bool):
            return Deferred(partial(_admit_waiting, limits, parts[number:], subject, exchange, taken))
        taken.append((bucket, now))
        if not _admitted(part, bucket, exchange, now, admitted=admitted):
            _refuse(limits, part, taken)
    return None


async def _admit_waiting(
    limits: Limits, parts: Iterable[LimitPart], subject: str, exchange: Exchange, taken: Taken
) -> None:
    """The same for the remaining windows, from the first that must wait."""
    try:
        for part in parts:
            now = limits.now()
            bucket = limits.find(part.name, subject, part.window, now)
            admitted = limits.take(bucket, now)
            if not isinstance(admitted, bool):
                taken_at = await admitted
                admitted, now = taken_at is not None, taken_at or now
            taken.append((bucket, now))
            if not _admitted(part, bucket, exchange, limits.now(), admitted=admitted):
                _refuse(limits, part, taken)
    except asyncio.CancelledError:
        _put_back(limits, taken)
        raise


def _admitted(part: LimitPart, bucket: RateBucket, exchange: Exchange, now: float, *, admitted: bool) -> bool:
    """Adds the response headers of one window."""
    wait = waits(part, bucket, now)
    if admitted and wait > part.seconds:
        # Sliding windows last one slot longer, which only matters to a client that must wait.
        wait = part.seconds
    remaining = bucket.remaining() if admitted else 0
    exchange.added_response_headers += (
        part.policy,
        (b"RateLimit", b"%s;r=%d;t=%d" % (part.label, remaining, wait)),
    )
    return admitted


def _refuse(limits: Limits, part: LimitPart, taken: Taken) -> NoReturn:
    bucket, _ = taken.pop()
    _put_back(limits, taken)
    raise Problem(RATE_LIMITED, headers=retry_after(waits(part, bucket, limits.now())))


def _put_back(limits: Limits, taken: Taken) -> None:
    while taken:
        limits.put_back(*taken.pop())


def waits(part: LimitPart, bucket: RateBucket, now: float) -> int:
    """Whole seconds until the limit allows more, at least one."""
    seconds = ceil(bucket.resets(now) if part.ends is None else part.ends - now)
    return seconds if seconds > 1 else 1
