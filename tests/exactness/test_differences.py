"""Gatepost, nginx and HAProxy are told the same; where they differ, Gatepost is stricter or says why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import Valkey
from tests.exactness.conftest import WAYS, exact_config
from tests.exactness.known_differences import DIFFERENCES, Difference, explained
from tests.exactness.opinions import Opinion, ask
from tests.exactness.peers import haproxy, nginx
from tests.exactness.raw_requests import SOUND, TABLE, UNSOUND
from tests.raw import RawUpstream, raw_upstream
from tests.running import Running

PATIENCE, LONG_PATIENCE = 0.25, 2.0
"""Seconds; the second where somebody gave no answer and others did."""


@dataclass
class Round:
    """All proxies, each with an upstream of its own."""

    proxies: dict[str, tuple[int, RawUpstream]]
    pool: ThreadPoolExecutor

    def ask(self, data: bytes) -> dict[str, Opinion]:
        opinions = self._ask(data, PATIENCE)
        if len({opinion.status is None for opinion in opinions.values()}) > 1:
            opinions = self._ask(data, LONG_PATIENCE)
        # On a busy machine a request of one round can reach an upstream in the next: a difference that comes
        # of it is gone in the round after that.
        for _ in range(2):
            if problem(data, opinions) is None:
                break
            opinions = self._ask(data, LONG_PATIENCE)
        return opinions

    def _ask(self, data: bytes, patience: float) -> dict[str, Opinion]:
        asked = {
            name: self.pool.submit(ask, port, upstream, data, patience)
            for name, (port, upstream) in self.proxies.items()
        }
        return {name: future.result() for name, future in asked.items()}


@pytest.fixture(scope="module")
def proxies(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Round]:
    folder = tmp_path_factory.mktemp("peers")
    with ExitStack() as stack:
        found: dict[str, tuple[int, RawUpstream]] = {}
        for name, start in (("nginx", nginx), ("haproxy", haproxy)):
            upstream = stack.enter_context(raw_upstream())
            found[name] = stack.enter_context(start(folder, upstream.port)), upstream
        for name in WAYS:
            upstream = stack.enter_context(raw_upstream())
            config = exact_config(upstream.port, valkey.url, fast_path=name == "fast_path")
            gateway = Running(config, tmp_path_factory.mktemp("gateway"))
            stack.callback(gateway.stop)
            gateway.await_ready()
            found[name] = int(gateway.http.rpartition(":")[2]), upstream
        yield Round(found, stack.enter_context(ThreadPoolExecutor(len(found))))


def problem(data: bytes, opinions: dict[str, Opinion]) -> str | None:
    """Where Gatepost differs from itself, or is laxer than another without a reason."""
    ours = opinions["aiohttp"]
    for name in WAYS:
        if opinions[name] != ours:
            return f"the ways through the gateway differ on {data!r}: {opinions[name]} {ours}"
        if len(opinions[name].forwarded) > 1:
            return f"more than one request went out for {data!r}"
    for name in ("nginx", "haproxy"):
        if difference(ours, opinions[name]) and explained(data, name, ours, opinions[name]) is None:
            return f"{name} on {data!r}: {ours} {opinions[name]}"
    return None


def compare(data: bytes, opinions: dict[str, Opinion]) -> None:
    """Fails where there is a problem."""
    assert problem(data, opinions) is None


def difference(ours: Opinion, other: Opinion) -> bool:
    """Whether there is something to explain. What does not go upstream can do no harm there."""
    return bool(ours.forwarded) and ours.forwarded != other.forwarded


@pytest.mark.parametrize("name", TABLE)
def test_by_hand(proxies: Round, name: str) -> None:
    compare(TABLE[name], proxies.ask(TABLE[name]))


@pytest.mark.parametrize("name", SOUND)
def test_sound_requests_get_through(proxies: Round, name: str) -> None:
    assert len(proxies.ask(SOUND[name])["aiohttp"].forwarded) == 1


@pytest.mark.parametrize("name", UNSOUND)
def test_unsound_requests_do_not(proxies: Round, name: str) -> None:
    assert proxies.ask(UNSOUND[name])["aiohttp"].forwarded == ()


@pytest.mark.parametrize("known", DIFFERENCES, ids=lambda known: known.name)
def test_every_known_difference_is_still_there(proxies: Round, known: Difference) -> None:
    data = TABLE[known.example]
    opinions = proxies.ask(data)
    ours, other = opinions["aiohttp"], opinions[known.peer]
    assert difference(ours, other)
    assert explained(data, known.peer, ours, other) is known


MANY = int(os.environ.get("GATEPOST_MUTATIONS", "200"))
BYTES = [bytes([code]) for code in b'\0\1\t\n\x0b\r !"#%&,/:;=?@A_|~\x7f\x80\xff0159'] + [
    b"\r\n",
    b"%2f",
    b"\r\n ",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sound request with one to three accidents."""
    # A length that is lost would make two requests of this one.
    data = SOUND[draw(st.sampled_from(sorted(SOUND.keys() - {"request in a body"})))]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(data)))
        width = draw(st.integers(0, 3))
        data = data[:place] + draw(st.sampled_from([b"", *BYTES])) + data[place + width :]
    return data


@settings(
    max_examples=MANY,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=mutated())
def test_by_accident(proxies: Round, data: bytes) -> None:
    compare(data, proxies.ask(data))
