"""A store whose answers are late: a revocation is heard of in time, or nothing is cached."""

from __future__ import annotations

import os

from gateway.store.invalidation import SLOW
from tests.bounds import lag_noted
from tests.conftest import Valkey
from tests.faults.conftest import StartCaller
from tests.faults.stage import Caller, Network, let_in_for, network, seconds_until

LONG = bool(os.environ.get("GATEPOST_FAULTS_LONG"))
"""The long edition: more delays, more rounds, and the exact bound, which a loaded machine can't keep."""
DELAYS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9) if LONG else (0.05, 0.3)
ROUNDS = 10 if LONG else 2
BOUND = 0.1 if LONG else 1.0
"""Seconds after a revocation's acknowledgement from which on nobody is let in."""
NOTICED = 1.0 if LONG else 2.0
"""Seconds after which a worker has noticed that it hears late."""


async def test_nobody_is_let_in_by_a_late_invalidation(own_valkey: Valkey, start: StartCaller) -> None:
    async with network(own_valkey) as line:
        slow = await start(line.url, store={"timeout": "3s"})
        quick = await start(own_valkey.url)
        for delay in DELAYS:
            tokens = [await quick.token(600 + number) for number in range(ROUNDS)]
            assert [await slow.use(token) for token in tokens] == [200] * ROUNDS
            slow.gateway.lines.clear()
            line.delay = delay
            async with lag_noted() as lag:
                if delay > SLOW:
                    assert await seconds_until(lambda: _is_without_caches(slow)) < NOTICED + lag.longest
                for token in tokens:
                    assert await slow.use(token) == 200
                    assert await quick.revoke(token) == 200
                    let_in = await let_in_for(slow, token)
                    assert let_in < BOUND + lag.longest if delay < SLOW else let_in == 0.0, delay
                    assert await slow.use(token) == 401, delay
            line.delay = 0.0
            await seconds_until(lambda: _answers_from_its_cache(slow, quick, line))
        await slow.close()
        slow.gateway.stop()


async def _is_without_caches(caller: Caller) -> bool:
    return caller.gateway.found("caches are off") is not None


async def _answers_from_its_cache(slow: Caller, quick: Caller, line: Network) -> bool:
    """Whether the second use of a token asks the store nothing."""
    token = await quick.token(700)
    assert await slow.use(token) == 200
    asked = line.scripts
    assert await slow.use(token) == 200
    return line.scripts == asked
