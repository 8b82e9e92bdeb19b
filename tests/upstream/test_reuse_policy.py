"""When a server is trusted to keep idle connections open, as a table of events."""

from __future__ import annotations

import pytest

from gateway.upstream.reuse_policy import PENALTY, PROOF, ReusePolicy

RESPONSE, LOST = ("on_response",), ("on_lost",)


def idle(seconds: float) -> tuple[object, ...]:
    return "idle", seconds


def closed(after: float) -> tuple[object, ...]:
    return "on_closed", after


@pytest.mark.parametrize(
    ("events", "trusted"),
    [
        ([], False),
        ([(0, RESPONSE)], True),
        ([(1, idle(2 * PROOF))], True),
        ([(1, idle(PROOF / 2))], False),
        ([(0, RESPONSE), (1, LOST)], False),
        ([(0, RESPONSE), (1, closed(PROOF / 2))], False),
        ([(0, RESPONSE), (1, closed(PROOF))], True),
        ([(0, LOST), (PENALTY / 2, RESPONSE)], False),
        ([(0, LOST), (PENALTY / 2, idle(2 * PROOF))], False),
        ([(0, LOST), (PENALTY, RESPONSE)], True),
        ([(0, LOST), (PENALTY, idle(2 * PROOF))], True),
        ([(0, LOST), (5, closed(0.0)), (PENALTY, RESPONSE)], False),
        ([(0, LOST), (PENALTY, RESPONSE), (PENALTY + 1, LOST)], False),
    ],
)
def test_reuse_policy(events: list[tuple[float, tuple[object, ...]]], *, trusted: bool) -> None:
    policy = ReusePolicy()
    for now, (event, *values) in events:
        if event == "idle":
            [seconds] = values
            assert isinstance(seconds, float)
            policy.on_idle(now - seconds, now)
        else:
            getattr(policy, str(event))(*values, now)
    assert policy.trusted is trusted
