"""Loads that wait for answers, and the rate of those that don't."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import bench
from benchmarks.bench import Bench
from benchmarks.cases import CASES, HALF_RATE
from benchmarks.exchanges import connected, repeated
from benchmarks.load import Outcome
from benchmarks.names import ENVOY, GATEPOST, NGINX
from benchmarks.samples import Sample


class Ping:
    """Says a letter and waits for one, until `most` were said."""

    def __init__(self, port: int, most: int) -> None:
        self.socket = connected(f"http://127.0.0.1:{port}/")
        self.left = most

    def begin(self) -> bool:
        self.left -= 1
        if self.left < 0:
            return False
        self.socket.sendall(b"a")
        return True

    def go_on(self) -> str | None:
        return {b"a": "", b"": "read"}.get(self.socket.recv(1), "letter")


def echo_on(listening: socket.socket, answers: list[bytes]) -> None:
    """One connection; it ends behind the last answer, and is not reset by what still comes."""
    with listening.accept()[0] as accepted:
        for answer in answers:
            accepted.recv(1)
            accepted.sendall(answer)
        accepted.shutdown(socket.SHUT_WR)
        while accepted.recv(64):
            pass


async def pinged(answers: list[bytes], most: int) -> Outcome:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(asyncio.to_thread(echo_on, listening, answers))
        ping = Ping(listening.getsockname()[1], most)
        with ping.socket:
            done = await asyncio.to_thread(repeated, [ping], 0.5)
        await serving
    return done


async def test_an_exchange_begins_when_the_one_before_is_over_until_nothing_is_left() -> None:
    done = await pinged([b"a"] * 3, 3)
    assert (done.requests, done.wrong) == (3, {"no request left": 1})


async def test_a_connection_that_ends_is_counted_once_and_not_asked_again() -> None:
    done = await pinged([b"a", b"a"], 9)
    assert (done.requests, done.wrong) == (2, {"read": 1})


async def test_what_is_answered_otherwise_is_no_exchange() -> None:
    done = await pinged([b"a", b"b"], 9)
    assert (done.requests, done.wrong) == (1, {"letter": 1})


def test_all_are_asked_at_the_same_rate_in_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    tops = iter([1000.0, 2000.0])
    rates: list[float] = []

    def paced(_: Any, seconds: float, rate: float, __: Any) -> Outcome:
        rates.append(rate)
        return Outcome(1, seconds, 0.1, 0.1)

    def sample(case: str, number: int, *_: Any, **__: Any) -> Sample:
        return Sample(case, GATEPOST, number, 1.0, 1.0, 0.1, 0.1, 1.0, 0.5)

    monkeypatch.setattr(bench.wrk, "run", lambda *_: SimpleNamespace(rate=next(tops)))
    monkeypatch.setattr(bench, "run_paced", paced)
    monkeypatch.setattr(bench, "Meter", lambda _: SimpleNamespace(sample=sample))
    contender = SimpleNamespace(name=GATEPOST, port=1, empty_logs=lambda: None)
    stand: Any = SimpleNamespace(
        contenders=dict.fromkeys((NGINX, ENVOY, GATEPOST), contender), token_for=lambda _: "token"
    )
    running = Bench(stand, 1)
    case = next(case for case in CASES if case.name == HALF_RATE)
    for number in range(2):
        running.round(number, [case], [])
    assert set(rates[:6]) == {500.0}
    assert set(rates[6:]) == {1000.0}
