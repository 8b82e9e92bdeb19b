"""A program that is started to take over: ready, failed, too slow, or silent."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest

from gateway.errors import StartError
from gateway.process import next_program
from gateway.process.handover import Handover
from gateway.process.next_program import NextProgram, Outcome
from tests.running import START_LIMIT

NOTHING = Handover(0, 0, (), (), None, None)

TAKEOVER = """
import os, sys, time
from gateway.process.takeover import begin_takeover
takeover = begin_takeover(os.environ)
assert "GATEPOST_UPGRADE" not in os.environ
"""


@pytest.fixture
def start(capfd: pytest.CaptureFixture[str]) -> Callable[[str], NextProgram]:
    """Starts a program of Python. Standard error is a file, as a gateway's is."""

    def started(code: str) -> NextProgram:
        return NextProgram(NOTHING, "", [sys.executable, "-c", code])

    return started


def outcome(program: NextProgram) -> Outcome:
    deadline = time.monotonic() + START_LIMIT
    while (found := program.poll()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_one_that_is_ready_hears_that_it_is_in_charge_and_is_heard_to_end(
    start: Callable[[str], NextProgram],
) -> None:
    program = start(
        TAKEOVER + "takeover.ready(takes_store=True)\n"
        "while (reports := takeover.poll()) is None: time.sleep(0.01)\n"
        "assert reports == {'reload': None}, reports\n"
        "takeover.shut_down()\n"
        "takeover.await_end(60)\n"
    )
    found = outcome(program)
    assert (found.failure, found.takes_store) == (None, True)
    assert not program.ended
    program.hand_over({"reload": None})
    deadline = time.monotonic() + START_LIMIT
    while not program.ended:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert program._process.poll() is None, "it waits for what is left of this one"
    program.close()
    assert program._process.wait(START_LIMIT) == 0


def test_what_it_says_before_its_configuration_is_loaded_is_the_reason(
    start: Callable[[str], NextProgram],
) -> None:
    program = start("import sys; sys.exit('gateway.yaml:1:1: nonsense')")
    assert outcome(program).failure == (
        "gateway.yaml:1:1: nonsense\nthe new program has ended with status 1 before it was ready"
    )
    program.stop()


def test_what_it_tells_later_is_the_reason(start: Callable[[str], NextProgram]) -> None:
    program = start(TAKEOVER + "takeover.failed('no store'); sys.exit(1)")
    assert outcome(program).failure == "no store"
    program.stop()


def test_one_that_is_too_slow_is_ended_even_if_it_does_not_listen(
    start: Callable[[str], NextProgram], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(next_program, "READY_TIMEOUT", 0.1)
    program = start("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)")
    assert outcome(program).failure == "the new program was not ready within 0.1 seconds"
    program.stop(patience=0.5)
    assert program._process.returncode is not None


def test_one_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StartError, match="the new program can't be started: No such file or directory"):
        NextProgram(NOTHING, "", ["/nowhere/python"])


def test_its_environment_is_that_of_this_process_with_the_service_managers_address(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THIS", "x")
    code = "import os, sys; sys.exit(f\"{os.environ['OF_THIS']} {os.environ['NOTIFY_SOCKET']}\")"
    program = NextProgram(NOTHING, "/run/notify", [sys.executable, "-c", code])
    failure = outcome(program).failure
    assert failure is not None
    assert failure.startswith("x /run/notify\n")
    program.stop()
