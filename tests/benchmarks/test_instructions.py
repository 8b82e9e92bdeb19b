"""The instruction counter; and in the long edition: a proxied request costs no more than it did."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import instructions
from benchmarks.instruction_cases import NEW_TOKEN, PLAIN, REUSED_TOKEN, UNSEEN, USUAL, Case, Request
from benchmarks.instructions import Client, Cost, Counter, FixedUpstream, python_build, store, stored

GROWTH = 1.03
"""The most that a request may cost, in parts of the stored figure."""
GROWTH_WITH_A_LIMIT = 1.08
"""The same where a limit is settled with the store beside the requests, ten times a second."""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the stored figures: one that does not exist yet."""
    path = tmp_path / "instructions.json"
    monkeypatch.setattr(instructions, "KEPT", path)
    return path


def test_instruction_figures_are_stored_for_this_build_of_python(kept: Path) -> None:
    assert stored() == {}
    kept.write_text(json.dumps({"another build": {PLAIN.name: 1}}))
    store({PLAIN.name: Cost(100_000.4, 0)})
    assert stored() == {PLAIN.name: 100_000}
    assert set(json.loads(kept.read_text())) == {"another build", python_build()}


def test_storing_one_instruction_figure_keeps_the_others(kept: Path) -> None:
    store({"a": Cost(1, 0), "b": Cost(2, 0)})
    store({"b": Cost(3, 0)})
    assert stored() == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    "request_",
    [
        (b"GET /120 HTTP/1.1\r\nHost: a\r\n\r\n",),
        (b"GET /events/2 HTTP/1.1\r\nHost: a\r\n\r\n",),
        (b"POST /a/0 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",),
        (b"POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",),
        (b"POST /1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", b"abc"),
    ],
)
def test_the_fixed_upstream_answers_the_instruction_counters_client(request_: Request) -> None:
    with closing(FixedUpstream()) as upstream, Client(upstream.port, connections=2) as client:
        client.send([request_] * 5)


def test_a_response_that_is_not_200_ends_the_count_of_instructions() -> None:
    # The upstream says no 100 unless it is asked to.
    unasked = (b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", b"more")
    with (
        closing(FixedUpstream()) as upstream,
        Client(upstream.port, connections=1) as client,
        pytest.raises(RuntimeError, match="answered with"),
    ):
        client.send([unasked])


@pytest.mark.skipif(
    "GATEPOST_INSTRUCTIONS" not in os.environ, reason="long edition: set GATEPOST_INSTRUCTIONS=1"
)
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", [PLAIN, UNSEEN, USUAL, REUSED_TOKEN, NEW_TOKEN], ids=lambda case: case.name)
def test_a_request_takes_no_more_instructions_than_stored(tmp_path: Path, case: Case) -> None:
    growth = GROWTH_WITH_A_LIMIT if case is USUAL else GROWTH
    before = stored().get(case.name)
    if before is None:
        pytest.skip(f"no stored figure for {python_build()}: python -m benchmarks.instructions --write")
    with closing(FixedUpstream()) as upstream, Counter(tmp_path, upstream.port) as counter:
        # Timers run beside the requests: two counts differ by up to 1 %.
        now = min(counter.cost(case).instructions for _ in range(2))
    assert now <= growth * before
