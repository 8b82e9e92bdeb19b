"""A reload of a large configuration, part by part: none goes on for long without giving way to requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time

import pytest

from gateway.app import Gateway
from gateway.assembly.access_changes import change_report
from gateway.config.checks import SERVING
from gateway.config.load import load_text
from gateway.config.model import Settings
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog
from gateway.runtime.gc_pause import paused_gc
from gateway.runtime.give_way import turns
from gateway.telemetry import process_telemetry

ROUTES, CLIENTS = 4000, 3000
LONGEST = 0.1
"""Seconds of CPU. A tenth of that is what it should be; without giving way it is 0.2 or more."""


class Stretches:
    """Measures what a thread computes between two occasions to give way."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._since = thread_time()

    def give_way(self) -> None:
        now = thread_time()
        self.longest = max(self.longest, now - self._since)
        self._since = thread_time()


@contextmanager
def measured() -> Iterator[Stretches]:
    stretches = Stretches()
    token = turns.set(stretches)
    try:
        with paused_gc():
            yield stretches
            stretches.give_way()
    finally:
        turns.reset(token)


def text(scope: str = "read", first: str = "/r") -> str:
    lines = ["tokens: {key: " + "k" * 32 + "}", "routes:"]
    paths = [f"{first}0", *(f"/r{number}" for number in range(1, ROUTES))]
    lines += [f"  - {{path: {path}, upstream: 'http://127.0.0.1:9', scopes: [{scope}]}}" for path in paths]
    lines.append("clients:")
    lines += [
        f"  - {{id: client-{number}, secrets: ['sha256:{number:064x}'], scopes: [read, other]}}"
        for number in range(CLIENTS)
    ]
    return "\n".join(lines)


def loaded(configuration: str) -> Settings:
    return load_text(configuration, {}, PluginCatalog(), further=SERVING)


@pytest.fixture(scope="module")
def old() -> Settings:
    return loaded(text())


def test_a_configuration_is_judged_in_short_stretches(old: Settings) -> None:
    with measured() as stretches:
        new = loaded(text())
    assert (new.routes, new.clients) == (old.routes, old.clients)
    assert stretches.longest < LONGEST


def test_a_wrong_configuration_is_judged_in_short_stretches() -> None:
    with measured() as stretches, pytest.raises(ConfigurationError, match=r"routes\[0\]\.path"):
        loaded(text(first="no path "))
    assert stretches.longest < LONGEST


async def test_a_gateway_is_built_in_short_stretches(old: Settings) -> None:
    # What the first one does once, as a gateway that reloads has done long ago.
    Gateway(old.model_copy(update={"routes": ()}), store_url="unix:/nowhere", telemetry=process_telemetry())
    with measured() as stretches:
        Gateway(old, store_url="unix:/nowhere", telemetry=process_telemetry())
    assert stretches.longest < LONGEST


def test_what_has_changed_is_described_in_short_stretches(old: Settings) -> None:
    new = loaded(text("other"))
    with measured() as stretches:
        assert change_report(old, new)
    assert stretches.longest < LONGEST
