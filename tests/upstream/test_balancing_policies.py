"""Who takes the next request."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.balancing_policies import BALANCERS, ConsistentHash, Draw, LeastRequests, RoundRobin


@dataclass
class Place:
    """A candidate."""

    name: str
    share: float = 1.0
    active: int = 0


def seeded(seed: int) -> Draw:
    return random.Random(seed).random  # noqa: S311 (the same throws each time)


def places(**shares: float) -> list[Place]:
    return [Place(name, share) for name, share in shares.items()]


def test_round_robin_mixes_by_weight() -> None:
    balancer, candidates = RoundRobin(), places(a=5, b=1, c=1)
    assert "".join(balancer.pick(candidates, b"").name for _ in range(14)) == "aabacaa" * 2


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_round_robin_is_exact_over_a_round(weights: list[int]) -> None:
    candidates = [Place(str(number), weight) for number, weight in enumerate(weights)]
    balancer = RoundRobin()
    taken = Counter(balancer.pick(candidates, b"").name for _ in range(sum(weights)))
    assert taken == {str(number): weight for number, weight in enumerate(weights)}


def test_round_robin_goes_on_when_one_is_missing() -> None:
    balancer, candidates = RoundRobin(), places(a=1, b=1, c=1)
    for _ in range(4):
        balancer.pick(candidates, b"")
    taken = Counter(balancer.pick(candidates[:2], b"").name for _ in range(40))
    assert taken["a"] == pytest.approx(20, abs=1)


def test_least_requests_prefers_the_idle() -> None:
    balancer = LeastRequests(seeded(1))
    candidates = places(a=1, b=1)
    candidates[0].active = 3
    assert {balancer.pick(candidates, b"").name for _ in range(20)} == {"b"}


def test_least_requests_keeps_load_even_and_by_weight() -> None:
    balancer = LeastRequests(seeded(2))
    candidates = places(a=1, b=1, c=2)
    for _ in range(400):
        balancer.pick(candidates, b"").active += 1
    load = {candidate.name: candidate.active for candidate in candidates}
    assert load["a"] == pytest.approx(100, abs=5)
    assert load["b"] == pytest.approx(100, abs=5)
    assert load["c"] == pytest.approx(200, abs=5)


KEYS = [f"client-{number}".encode() for number in range(2000)]


def test_a_key_keeps_its_server() -> None:
    candidates = places(a=1, b=1, c=1)
    first = [ConsistentHash().pick(candidates, key).name for key in KEYS]
    assert first == [ConsistentHash().pick(list(reversed(candidates)), key).name for key in KEYS]


def test_one_server_less_moves_only_its_keys() -> None:
    candidates = places(a=1, b=1, c=1, d=1)
    balancer = ConsistentHash()
    before = {key: balancer.pick(candidates, key).name for key in KEYS}
    after = {key: balancer.pick(candidates[:3], key).name for key in KEYS}
    moved = {key for key in KEYS if before[key] != after[key]}
    assert moved == {key for key in KEYS if before[key] == "d"}
    assert Counter(after[key] for key in moved).keys() == {"a", "b", "c"}


def test_keys_are_shared_by_weight() -> None:
    shares = Counter(ConsistentHash().pick(places(a=1, b=3), key).name for key in KEYS)
    assert shares["b"] == pytest.approx(1500, abs=100)


def test_without_a_key_any_server_will_do() -> None:
    balancer = ConsistentHash(seeded(3))
    assert {balancer.pick(places(a=1, b=1), b"").name for _ in range(50)} == {"a", "b"}


@pytest.mark.parametrize("name", list(BALANCERS))
def test_one_candidate_is_always_taken(name: str) -> None:
    alone = places(a=1)
    assert BALANCERS[name]().pick(alone, b"k") is alone[0]
