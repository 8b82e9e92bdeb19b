"""Whether a server still answers, asked without waiting."""

from __future__ import annotations

import time

from gateway.runtime.liveness import TIMEOUT, Liveness
from gateway.store.embedded.embedded_store import PING
from tests.conftest import Valkey


def until_answered(liveness: Liveness, now: float) -> None:
    """Asks, and waits until the answer is there."""
    assert liveness.answers(now)
    while liveness._asked is not None:
        assert liveness.answers(now)
        time.sleep(0.001)


def test_a_server_that_answers_is_alive_and_one_that_is_stopped_is_not(own_valkey: Valkey) -> None:
    liveness, now = Liveness(own_valkey.path, PING), 100.0
    until_answered(liveness, now)
    own_valkey.freeze()
    while now < 100.0 + TIMEOUT:
        assert liveness.answers(now), "it has time left"
        now += 0.25
    assert not liveness.answers(now)
    own_valkey.thaw()
    liveness.reset()
    until_answered(liveness, now)
    liveness.reset()


def test_time_in_which_nobody_asked_does_not_count(own_valkey: Valkey) -> None:
    liveness = Liveness(own_valkey.path, PING)
    until_answered(liveness, 100.0)
    own_valkey.freeze()
    assert liveness.answers(100.0)
    assert liveness.answers(4000.0), "the gateway itself was stopped"
    own_valkey.thaw()
    liveness.reset()


def test_a_server_that_is_not_there_is_for_others_to_judge(own_valkey: Valkey) -> None:
    liveness = Liveness(own_valkey.path, PING)
    until_answered(liveness, 100.0)
    own_valkey.kill()
    for now in (100.0, 101.0, 200.0):
        assert liveness.answers(now)
    liveness.reset()
