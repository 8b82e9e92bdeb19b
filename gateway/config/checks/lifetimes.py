"""Lifetimes: none is longer than the longest, and tokens are worth giving out again."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.finding import Finding, Surroundings
from gateway.config.model import Settings
from gateway.config.problem import KeyPath

LONGEST: KeyPath = ("tokens", "max_lifetime")


def within_longest(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """Neither the general lifetime nor a client's own is above `tokens.max_lifetime`."""
    longest = settings.tokens.max_lifetime
    lifetimes: list[tuple[KeyPath, int | None]] = [(("tokens", "lifetime"), settings.tokens.lifetime)]
    for index, client in enumerate(settings.clients):
        lifetimes.append((("clients", index, "lifetime"), client.lifetime))
    for path, lifetime in lifetimes:
        if lifetime is not None and lifetime > longest:
            yield Finding(path, "is longer than tokens.max_lifetime", depends=(path, LONGEST))


def renewal_before_end(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """A new token is not yet due for renewal."""
    tokens = settings.tokens
    if tokens.reuse and tokens.renew_before >= tokens.lifetime:
        path: KeyPath = ("tokens", "renew_before")
        text = "must be shorter than tokens.lifetime, or no token is ever given out again"
        yield Finding(path, text, depends=(path, ("tokens", "lifetime"), ("tokens", "reuse")))
