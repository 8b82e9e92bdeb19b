"""A limit as a plugin applies it: one window or two, and what the caller is told (RateLimit headers)."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from gateway.config.tiers import Rate
from gateway.exchange import Exchange, Header
from gateway.faults import LIMITED, Fault, retry_after
from gateway.limits.bucket import Bucket, Window
from gateway.limits.keeper import Limits


@dataclass(frozen=True, slots=True)
class Part:
    """One window of an allowance."""

    name: str
    """What its keys are told by in the store."""
    window: Window
    label: bytes
    """What callers know it as."""
    policy: Header
    seconds: int
    """Of the window, rounded up."""
    ends: float | None = None
    """When a fixed period is over: seconds since the epoch."""

    @classmethod
    def made(cls, name: str, window: Window, label: str, ends: float | None = None) -> Part:
        """With all worked out that a request need not work out."""
        quoted = f'"{label}"'.encode()
        seconds = ceil(window.length)
        policy = b"%s;q=%d;w=%d" % (quoted, window.limit, seconds)
        return cls(name, window, quoted, (b"RateLimit-Policy", policy), seconds, ends)


def rate_parts(name: str, rate: Rate, label: str) -> tuple[Part, ...]:
    """The windows of a rate. A burst is a limit of its own, for the time in which the rate allows as many."""
    parts = [Part.made(f"{name} {rate.per:g}", Window(rate.limit, rate.per), label)]
    if rate.burst is not None:
        short = Window(rate.burst, rate.per * rate.burst / rate.limit)
        parts.insert(0, Part.made(f"{name} {rate.per:g} burst", short, f"{label}-burst"))
    return tuple(parts)


def admit(limits: Limits, parts: tuple[Part, ...], subject: str, exchange: Exchange) -> None:
    """Counts one request.

    Raises:
        Fault: 429, with when to come again; nothing is counted then.
    """
    taken: list[Bucket] = []
    now = limits.now()
    for part in parts:
        bucket = limits.find(part.name, subject, part.window, now)
        admitted = limits.take(bucket, now)
        wait = waits(part, bucket, now)
        remaining = bucket.remaining if admitted else 0
        if admitted:
            # A window's last slot makes it a little longer, which only matters to who must wait for it.
            wait = min(wait, part.seconds)
        exchange.answer_headers += (
            part.policy,
            (b"RateLimit", b"%s;r=%d;t=%d" % (part.label, remaining, wait)),
        )
        if not admitted:
            for before in taken:
                limits.put_back(before)
            raise Fault(LIMITED, headers=retry_after(wait))
        taken.append(bucket)


def waits(part: Part, bucket: Bucket, now: float) -> int:
    """Whole seconds until there is more, at least one."""
    seconds = ceil(bucket.resets(now) if part.ends is None else part.ends - now)
    return seconds if seconds > 1 else 1
