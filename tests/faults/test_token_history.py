"""Two gateways with two workers each on one store that is killed and frozen, or on Sentinels whose primary is
killed. One of the gateways has a clock that is stepped, and a client is disabled and enabled. Whatever
happens, nobody is let in with a token that was revoked or is over, or whose client was disabled, and none is
refused that is alive.

`scripts/history` goes on for ten minutes.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gateway.assembly.tokens import record_mac
from gateway.errors import StoreUnavailable
from gateway.oauth.model import Client, Secret
from gateway.signing.master_keys import master_keys
from gateway.store import Store
from tests.conftest import Valkey
from tests.faults.conftest import StartCaller
from tests.faults.stage import PREFIX, Caller, seconds_until
from tests.faults.token_history import Circumstances, Disabling, TokenHistory, Use, violations
from tests.topologies import sentinel_set

SECONDS = float(os.environ.get("GATEPOST_FAULTS_SECONDS", "6"))
BOUND = 1.5
"""Seconds after which a revocation holds although the store was away meanwhile: a second, and something for a
loaded machine. test_slow_store.py, test_cluster.py and tests/standards/test_history.py have the bound of
100 ms.
"""
DOWN_AFTER = 2.0
"""Seconds after which Sentinels replace a primary. A loaded machine may keep one waiting that is well."""
CALLERS = 6
NEWEST = 12
"""Tokens that are in use at the same time."""
CLIENTS = ("demo", "shop")
"""One of the file, and one of the store, which is disabled now and then."""
NO_LOCKOUT = {"client": 1_000_000, "address": 1_000_000}
"""A disabled client asks again and again."""


@dataclass
class Scene:
    """A store, and what happens to it."""

    url: str
    faults: list[Callable[[], object]]
    replicas: int = 0
    """So many must have a revocation."""
    failovers: list[float] = field(default_factory=list)


@contextmanager
def one_server(step: Path) -> Iterator[Scene]:
    """A server that keeps its data, killed and frozen."""
    server = Valkey("--appendonly", "yes", "--appendfsync", "always")
    server.start()
    faults = [
        lambda: step.write_text("300"),
        server.kill,
        server.start,
        lambda: step.write_text("-300"),
        server.freeze,
        server.thaw,
    ]
    try:
        yield Scene(server.url, faults)
    finally:
        server.remove()


@contextmanager
def sentinels(step: Path) -> Iterator[Scene]:
    """A primary and a replica, which take turns."""
    with sentinel_set(down_after=DOWN_AFTER) as servers:
        scene = Scene(servers.url, [], replicas=1)

        def fail() -> None:
            scene.failovers.append(time.monotonic())
            servers.kill_primary()

        scene.faults += [
            lambda: step.write_text("300"),
            fail,
            servers.bring_back,
            lambda: step.write_text("-300"),
        ]
        with noted(servers.changes, scene.failovers):
            yield scene


@contextmanager
def noted(changes: Callable[[], int], moments: list[float]) -> Iterator[None]:
    """Writes down when a number changes: a loaded machine may replace a primary that is well."""
    over = threading.Event()

    def watch() -> None:
        before = changes()
        while not over.wait(0.05):
            if (now := changes()) != before:
                before = now
                moments.append(time.monotonic())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Crowd:
    """Callers who issue, use and revoke at random, and write it down."""

    def __init__(self, gateways: list[Caller], seed: int) -> None:
        self._gateways = gateways
        self._random = random.Random(seed)  # noqa: S311 (to repeat what has failed)
        self.tokens: list[TokenHistory] = []
        self.revoked = 0

    async def run(self, until: float) -> None:
        await asyncio.gather(*(self._call(number, until) for number in range(CALLERS)))

    async def _call(self, number: int, until: float) -> None:
        several = [Caller(each.gateway) for each in self._gateways]
        while time.monotonic() < until:
            chance = self._random.random()
            if not self.tokens or chance < 0.08:
                await self._issue(self._random.choice(several))
            elif chance < 0.12:
                await self._revoke(self._random.choice(several), self._pick())
            else:
                which = self._random.randrange(len(several))
                await self._use(several[which], which, self._pick())
            await asyncio.sleep(0.004)
        for caller in several:
            await caller.close()

    def _pick(self) -> TokenHistory:
        return self._random.choice(self.tokens[-NEWEST:])

    async def _issue(self, caller: Caller) -> None:
        lifetime = self._random.choice((1, 2, 600))
        client = self._random.choice(CLIENTS)
        asked = time.monotonic()
        token = await caller.try_token(lifetime + 10 * (lifetime > 2) * len(self.tokens), client)
        if token is not None:
            name, life = token
            self.tokens.append(TokenHistory(name, asked, time.monotonic(), life, client))

    async def _revoke(self, caller: Caller, token: TokenHistory) -> None:
        if token.revoking is None:
            token.revoking = time.monotonic()
        if await caller.revoke(token.name, token.client) == 200 and token.revoked is None:
            token.revoked = time.monotonic()
            self.revoked += 1

    async def _use(self, caller: Caller, which: int, token: TokenHistory) -> None:
        begun = time.monotonic()
        status = await caller.use(token.name)
        token.uses.append(Use(begun, time.monotonic(), status, which))


class Disabler:
    """Disables a client of the store and enables it again, and writes it down."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.disablings: list[Disabling] = []

    async def run(self, until: float) -> None:
        while time.monotonic() < until:
            now = Disabling("shop", time.monotonic())
            self.disablings.append(now)
            await self._set(enabled=False)
            now.acknowledged = time.monotonic()
            await asyncio.sleep(0.4)
            now.enabling = time.monotonic()
            await self._set(enabled=True)
            await asyncio.sleep(1.0)

    async def _set(self, *, enabled: bool) -> None:
        """As often as it takes until the store has acknowledged it."""
        while True:
            try:
                await self._store.clients.update(
                    "shop", lambda one: replace(one, enabled=enabled), end_tokens=True
                )
            except StoreUnavailable:
                await asyncio.sleep(0.1)
            else:
                return


@asynccontextmanager
async def disabler(scene: Scene, folder: Path) -> AsyncIterator[Disabler]:
    """With a client of the store."""
    mac = record_mac(master_keys(["k" * 32], folder))
    store = Store(scene.url, PREFIX, mac=mac, revoke_wait_replicas=scene.replicas)
    store.monitor()
    await store.start()
    secret = Secret(hashlib.sha256(b"shop-secret").digest())
    await store.clients.create(Client("shop", secrets=(secret,), scopes=("read",), source="store"))
    try:
        yield Disabler(store)
    finally:
        await store.stop()


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("scenery", [one_server, sentinels])
async def test_a_history_through_faults_and_steps_of_a_clock_has_no_violation(
    scenery: Callable[[Path], AbstractContextManager[Scene]], start: StartCaller, tmp_path: Path
) -> None:
    seed = secrets.randbits(32)
    step = tmp_path / "ahead"
    step.write_text("0")
    with scenery(step) as scene:
        options = {"workers": 2, "guessing": NO_LOCKOUT, "store": {"revoke_wait_replicas": scene.replicas}}
        gateways = [
            await start(scene.url, **options),
            await start(scene.url, ahead=step, fast_path=False, **options),
        ]
        crowd = Crowd(gateways, seed)
        async with disabler(scene, tmp_path) as disabling:
            end = time.monotonic() + SECONDS
            await asyncio.gather(crowd.run(end), disabling.run(end), happen(scene.faults, end))
        for caller in gateways:
            await seconds_until(lambda caller=caller: _issues(caller))  # type: ignore[misc]  # its default
    around = Circumstances(disabling.disablings, scene.failovers)
    assert violations(crowd.tokens, BOUND, around) == [], f"seed {seed}"
    uses = [use.status for token in crowd.tokens for use in token.uses]
    happened = f"{len(around.disablings)} times disabled, failovers at {around.failovers}"
    print(f"{len(uses)} uses, {len(crowd.tokens)} tokens, {crowd.revoked} revocations, {happened}")
    assert set(uses) == {200, 401, 503}, "something of everything has happened"
    assert crowd.revoked > 0
    assert {token.client for token in crowd.tokens} == set(CLIENTS)
    assert any(one.enabling < float("inf") for one in around.disablings)


async def happen(faults: list[Callable[[], object]], end: float) -> None:
    """One after the other, and each of them at least once; then it is as it was."""
    pause = min(SECONDS / (len(faults) + 1), 2.0)
    number = 0
    while time.monotonic() + pause < end or number % len(faults):
        await asyncio.sleep(pause)
        await asyncio.to_thread(faults[number % len(faults)])
        number += 1


async def _issues(caller: Caller) -> bool:
    return await caller.issue() == 200


def history(**changes: float | str | None) -> TokenHistory:
    token = TokenHistory("t", asked=10.0, issued=10.1, lifetime=5.0)
    for name, value in changes.items():
        setattr(token, name, value)
    return token


@pytest.mark.parametrize(
    ("token", "use", "words"),
    [
        (history(revoking=11.0, revoked=11.1), Use(12.7, 12.8, 200), "revoked at 11.100"),
        (history(), Use(15.2, 15.3, 200), "over at 15.100"),
        (history(), Use(11.0, 11.1, 401), "alive until 15.000"),
        (history(revoking=12.0), Use(11.0, 11.5, 401), "alive until 15.000"),
        (history(), Use(11.0, 11.1, 500), "500"),
    ],
)
def test_a_planted_violation_is_found(token: TokenHistory, use: Use, words: str) -> None:
    token.uses = [Use(10.2, 10.3, 200), use]
    (line,) = violations([history(), token], bound=1.5)
    assert words in line


DISABLED = Circumstances([Disabling("demo", 11.0, 11.1, 13.5)])
"""From 11 s on, with an acknowledgement; enabled again at 13.5 s."""


@pytest.mark.parametrize(
    ("token", "use", "words"),
    [
        (history(), Use(12.7, 12.8, 200), "revoked at 11.100"),
        # A client that is enabled again gets new tokens; the old ones stay dead.
        (history(), Use(14.0, 14.1, 200), "revoked at 11.100"),
        (history(asked=13.0, issued=13.1), Use(13.2, 13.3, 503), "issued at 13.100, but demo was disabled"),
        (history(asked=13.6, issued=13.7), Use(13.8, 13.9, 401), "alive until"),
        (history(client="shop"), Use(12.0, 12.1, 401), "alive until"),
    ],
)
def test_a_planted_violation_around_a_disabled_client_is_found(
    token: TokenHistory, use: Use, words: str
) -> None:
    token.uses = [use]
    (line,) = violations([token], 1.5, DISABLED)
    assert words in line


@pytest.mark.parametrize(
    ("token", "use"),
    [
        (history(), Use(12.0, 12.1, 200)),
        (history(), Use(11.0, 11.05, 401)),
        (history(asked=13.6, issued=13.7), Use(13.8, 13.9, 200)),
        # It was asked for while the client was disabled, and may have been issued afterwards.
        (history(asked=13.4, issued=13.7), Use(14.8, 14.9, 200)),
        (history(client="shop"), Use(14.0, 14.1, 200)),
    ],
)
def test_what_may_happen_around_a_disabled_client_is_no_violation(token: TokenHistory, use: Use) -> None:
    token.uses = [use]
    assert violations([token], 1.5, DISABLED) == []


def test_what_a_primary_issued_in_its_last_moment_may_be_lost_and_nothing_else() -> None:
    around = Circumstances(failovers=[12.0])
    for asked, found in ((9.0, 1), (10.0, 0), (14.0, 0), (15.0, 1)):
        token = history(asked=asked, issued=asked + 0.1)
        token.uses = [Use(asked + 2.0, asked + 2.1, 401)]
        assert len(violations([token], 1.5, around)) == found
    revoked = history(asked=11.5, issued=11.6, revoking=11.7, revoked=11.8)
    revoked.uses = [Use(14.0, 14.1, 200)]
    assert len(violations([revoked], 1.5, around)) == 1, "what was acknowledged is never lost"


@pytest.mark.parametrize(
    ("token", "use"),
    [
        (history(), Use(10.2, 10.3, 200)),
        (history(), Use(10.2, 10.3, 503)),
        (history(), Use(15.0, 15.3, 401)),
        (history(revoking=11.0, revoked=11.1), Use(12.5, 12.6, 200)),
        (history(revoking=11.0, revoked=11.1), Use(11.05, 11.06, 401)),
        # The revocation was answered with 503: it may have happened.
        (history(revoking=11.0), Use(12.0, 12.1, 401)),
        (history(revoking=11.0), Use(12.0, 12.1, 200)),
    ],
)
def test_what_may_happen_is_no_violation(token: TokenHistory, use: Use) -> None:
    token.uses = [use]
    assert violations([token], bound=1.5) == []
