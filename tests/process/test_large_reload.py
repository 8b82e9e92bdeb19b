"""A reload of a large configuration, part by part: none goes on for long without giving way to requests."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import thread_time
from types import FrameType

import pytest

from gateway.app import Gateway
from gateway.assembly.access_changes import change_report
from gateway.config.checks import SERVING
from gateway.config.load import load_text
from gateway.config.model import Settings
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog
from gateway.runtime.gc_pause import paused_gc
from gateway.runtime.give_way import give_way, turns
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


class Calls:
    """Counts the calls of functions between two occasions to give way: the same on any machine."""

    def __init__(self) -> None:
        self.most: dict[str, int] = {}
        """By the place where a stretch ends."""
        self._calls = 0

    def give_way(self) -> None:
        calls, self._calls = self._calls, 0
        frame = sys._getframe(1)
        while frame.f_code.co_filename == give_way.__code__.co_filename and frame.f_back is not None:
            frame = frame.f_back
        place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        self.most[place] = max(self.most.get(place, 0), calls)

    def profile(self, _frame: FrameType, event: str, _arg: object) -> None:
        if event in ("call", "c_call"):
            self._calls += 1


def most_calls(work: Callable[[], object]) -> dict[str, int]:
    counting = Calls()
    token = turns.set(counting)
    with paused_gc():
        sys.setprofile(counting.profile)
        try:
            work()
        finally:
            sys.setprofile(None)
            turns.reset(token)
    counting.give_way()
    return counting.most


def text(scope: str = "read", first: str = "/r", routes: int = ROUTES, clients: int = CLIENTS) -> str:
    lines = ["tokens: {key: " + "k" * 32 + "}", "routes:"]
    paths = [f"{first}0", *(f"/r{number}" for number in range(1, routes))]
    lines += [f"  - {{path: {path}, upstream: 'http://127.0.0.1:9', scopes: [{scope}]}}" for path in paths]
    lines.append("clients:")
    lines += [
        f"  - {{id: client-{number}, secrets: ['sha256:{number:064x}'], scopes: [read, other]}}"
        for number in range(clients)
    ]
    return "\n".join(lines)


def loaded(configuration: str) -> Settings:
    return load_text(configuration, {}, PluginCatalog(), further=SERVING)


def of(count: int, scope: str = "read") -> Settings:
    """A configuration of so many routes and clients."""
    return loaded(text(scope, routes=count, clients=count))


def built(settings: Settings) -> Gateway:
    return Gateway(settings, store_url="unix:/nowhere", telemetry=process_telemetry())


FEW, MANY = 100, 300
MORE = 50
"""Calls. A list of routes or clients that is gone through at a stretch makes at least one for each."""


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
    built(old.model_copy(update={"routes": ()}))
    with measured() as stretches:
        built(old)
    assert stretches.longest < LONGEST


def test_what_has_changed_is_described_in_short_stretches(old: Settings) -> None:
    new = loaded(text("other"))
    with measured() as stretches:
        assert change_report(old, new)
    assert stretches.longest < LONGEST


def judged(count: int) -> Callable[[], object]:
    configuration = text(routes=count, clients=count)
    return lambda: loaded(configuration)


def made(count: int) -> Callable[[], object]:
    settings = of(count)
    return lambda: built(settings)


def described(count: int) -> Callable[[], object]:
    old, new = of(count), of(count, "other")
    return lambda: change_report(old, new)


@pytest.mark.parametrize("part", [judged, made, described])
async def test_no_stretch_is_longer_where_there_are_more_routes_and_clients(
    part: Callable[[int], Callable[[], object]],
) -> None:
    # What the first one does once.
    part(FEW)()
    few, many = most_calls(part(FEW)), most_calls(part(MANY))
    assert {place: calls for place, calls in many.items() if calls > few.get(place, 0) + MORE} == {}
