"""Load balancing policies: which server takes the next request. No I/O; randomness is an argument."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import log
from typing import Final, Protocol, TypeVar


class Candidate(Protocol):
    """What is known of a server when it is chosen."""

    @property
    def name(self) -> str:
        """Distinguishes it from the others, the same in every process."""

    @property
    def share(self) -> float:
        """Its weight, above zero; less than configured during slow start."""

    @property
    def active(self) -> int:
        """Requests in flight to it."""


C = TypeVar("C", bound=Candidate)

Draw = Callable[[], float]
"""A random number, from 0.0 up to but not including 1.0."""


class Balancer(Protocol):
    """A load balancing policy."""

    def pick(self, candidates: Sequence[C], key: bytes) -> C:
        """One of the candidates, of which there is at least one."""


class RoundRobin:
    """Smooth weighted round robin: with weights 5, 1 and 1 the order is a a b a c a a."""

    def __init__(self) -> None:
        self._credit: dict[str, float] = {}

    def pick(self, candidates: Sequence[C], key: bytes) -> C:
        """Each gets credit by its weight; the one with most is chosen and pays the sum of all weights."""
        credit = self._credit
        best, most, total = candidates[0], float("-inf"), 0.0
        for candidate in candidates:
            total += candidate.share
            credit[candidate.name] = earned = credit.get(candidate.name, 0.0) + candidate.share
            if earned > most:
                best, most = candidate, earned
        credit[best.name] -= total
        return best


class LeastRequests:
    """The less busy of two chosen at random: nearly as even as the least busy of all, with no herd effect."""

    def __init__(self, draw: Draw = random.random) -> None:
        self._draw = draw

    def pick(self, candidates: Sequence[C], key: bytes) -> C:
        """Chooses two by weight, and compares the load that each would have for its weight."""
        first = self._choose(candidates)
        others = [candidate for candidate in candidates if candidate is not first]
        if not others:
            return first
        second = self._choose(others)
        return min(first, second, key=lambda candidate: (candidate.active + 1) / candidate.share)

    def _choose(self, candidates: Sequence[C]) -> C:
        mark = self._draw() * sum(candidate.share for candidate in candidates)
        for candidate in candidates:
            mark -= candidate.share
            if mark < 0:
                return candidate
        return candidates[-1]


class ConsistentHash:
    """The same server for the same key; when one goes or comes, only its own share of the keys moves.

    Weighted rendezvous hashing: each server has a score that is fixed for it and the key; the highest wins.
    """

    def __init__(self, draw: Draw = random.random) -> None:
        self._draw = draw

    def pick(self, candidates: Sequence[C], key: bytes) -> C:
        """The server with the highest score for this key. Without a key, any."""
        key = key or self._draw().hex().encode()
        return max(candidates, key=lambda candidate: _score(candidate, key))


def _score(candidate: Candidate, key: bytes) -> float:
    digest = blake2b(candidate.name.encode() + b"\0" + key, digest_size=8).digest()
    # From the open interval (0, 1), so that the logarithm exists and is not zero.
    fraction = (int.from_bytes(digest, "big") + 0.5) / 2**64
    return -candidate.share / log(fraction) if fraction < 1.0 else float("inf")


BALANCERS: Final[dict[str, Callable[[], Balancer]]] = {
    "round_robin": RoundRobin,
    "least_requests": LeastRequests,
    "hash": ConsistentHash,
}
"""The policies, as the configuration names them."""
