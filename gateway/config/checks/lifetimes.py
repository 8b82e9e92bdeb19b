"""Checks of token lifetimes."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.runtime.give_way import giving_way

MAX_LIFETIME_KEY: KeyPath = ("tokens", "max_lifetime")


def within_longest(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Lifetimes don't exceed `tokens.max_lifetime`."""
    max_lifetime = settings.tokens.max_lifetime
    lifetimes: list[tuple[KeyPath, int | None]] = [(("tokens", "lifetime"), settings.tokens.lifetime)]
    for index, client in enumerate(giving_way(settings.clients)):
        lifetimes.append((("clients", index, "lifetime"), client.lifetime))
    for path, lifetime in lifetimes:
        if lifetime is not None and lifetime > max_lifetime:
            yield CheckFinding(path, "is longer than tokens.max_lifetime", depends=(path, MAX_LIFETIME_KEY))


def renewal_before_end(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """`renew_before` is shorter than the lifetime: otherwise no token would be reused."""
    tokens = settings.tokens
    if tokens.reuse and tokens.renew_before >= tokens.lifetime:
        path: KeyPath = ("tokens", "renew_before")
        text = "must be shorter than tokens.lifetime, or no token is ever reused"
        yield CheckFinding(path, text, depends=(path, ("tokens", "lifetime"), ("tokens", "reuse")))
