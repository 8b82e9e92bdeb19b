"""Cross checks of very many routes and clients run beside requests, which they let pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.config.checks import ALL
from gateway.config.checks.check import Check, CheckContext
from gateway.config.model import Settings
from gateway.runtime.give_way import turns
from tests.config import example

MANY = 300


class Watched(tuple[Any, ...]):
    """Counts how many items are looked at without an occasion to give way."""

    unbroken = most = 0

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self.unbroken += 1
            self.most = max(self.most, self.unbroken)
            yield item

    def give_way(self) -> None:
        self.unbroken = 0


@pytest.fixture(scope="module")
def settings() -> Settings:
    routes = "\n".join(f"  - {{path: /r{number}, upstream: a}}" for number in range(MANY))
    clients = "\n".join(f"  - {{id: c{number}, secrets: [s{number}]}}" for number in range(MANY))
    upstreams = 'upstreams: {a: {servers: [{url: "http://127.0.0.1:1"}]}}'
    return example.settings(f"{upstreams}\nroutes:\n{routes}\nclients:\n{clients}\n")


@pytest.fixture(scope="module")
def context() -> CheckContext:
    names = frozenset({"a"}), frozenset[str](), frozenset({"client_credentials"})
    return CheckContext(*names, tuple, lambda _: True, lambda _: b"", lambda _: None)


@pytest.mark.parametrize("key", ["routes", "clients"])
@pytest.mark.parametrize(
    "check", ALL, ids=lambda check: f"{check.__module__.split('.')[-1]}.{check.__name__}"
)
def test_a_check_gives_way_while_it_looks_at_many(
    check: Check, key: str, settings: Settings, context: CheckContext
) -> None:
    watched = Watched(getattr(settings, key))
    token = turns.set(watched)
    try:
        assert list(check(settings.model_copy(update={key: watched}), context)) == []
    finally:
        turns.reset(token)
    assert watched.most <= 1
