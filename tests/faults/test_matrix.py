"""Every fault of a store, on both ways through the gateway, with one worker and with two: who was let in,
what callers were told while it lasted, and how soon it had healed.

GATEPOST_FAULTS_LONG=1 tries all combinations; GATEPOST_FAULTS_REPORT=FILE writes what was measured.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.bounds import Lag, lag_noted
from tests.conftest import Valkey
from tests.faults.conftest import StartCaller
from tests.faults.stage import PATIENCE, Caller, seconds_until

LONG = bool(os.environ.get("GATEPOST_FAULTS_LONG"))
NOTICED = 2.0
"""Seconds after which every worker has noticed: a second, and one for a loaded machine."""
WINDOW = 3.0 if LONG else 1.0
"""Seconds that a fault lasts after all have noticed."""
TRIED = 4.0
"""Seconds after which `/readyz` says that no token can be issued: a worker whom nobody asked for one tries
within two seconds, and a loaded machine is slow.
"""
Way = tuple[bool, int]
"""Whether plain requests take the fast path, and how many workers there are."""
WAYS: list[list[Way]]
"""Gateways that use the same store at the same time."""
WAYS = [[(True, 1)], [(True, 2)], [(False, 1)], [(False, 2)]] if LONG else [[(True, 1), (False, 2)]]
CONNECTIONS = 4
"""Callers of one gateway, so that each of its workers has some."""


@dataclass(frozen=True)
class Fault:
    """Something that happens to a store, and what must hold meanwhile."""

    name: str
    begin: Callable[[Valkey], object]
    end: Callable[[Valkey], object]
    judges: bool
    """Whether tokens can be judged while it lasts."""
    issues: bool = False
    """Whether tokens can be issued while it lasts."""
    ready: int = 503
    """What `/readyz` says while it lasts."""


def setting(name: str, value: object) -> Callable[[Valkey], object]:
    def change(server: Valkey) -> None:
        with server.client as other:
            other.config_set(name, value)

    return change


def command(*words: str) -> Callable[[Valkey], object]:
    def run(server: Valkey) -> None:
        with server.client as other:
            other.execute_command(*words)

    return run


def busy(server: Valkey) -> None:
    """A script of somebody else runs, and runs."""
    never = Retry(NoBackoff(), 0)
    with redis.Redis(unix_socket_path=str(server.path), socket_timeout=0.5, retry=never) as other:
        other.config_set("busy-reply-threshold", 100)
        with suppress(redis.TimeoutError):
            other.eval("while true do end", 0)


def no_longer_busy(server: Valkey) -> None:
    with server.client as other:
        other.script_kill()


FAULTS = [
    Fault("killed", Valkey.kill, Valkey.start, judges=False),
    Fault("frozen", Valkey.freeze, Valkey.thaw, judges=False),
    Fault("memory full (OOM)", setting("maxmemory", 1), setting("maxmemory", 0), judges=True, ready=200),
    Fault(
        "too few replicas (NOREPLICAS)",
        setting("min-replicas-to-write", 1),
        setting("min-replicas-to-write", 0),
        judges=True,
        ready=200,
    ),
    Fault(
        "demoted (READONLY)",
        command("REPLICAOF", "127.0.0.1", "1"),
        command("REPLICAOF", "NO", "ONE"),
        judges=False,
    ),
    Fault(
        "right to write taken (NOPERM)",
        command("ACL", "SETUSER", "default", "-set"),
        command("ACL", "SETUSER", "default", "+set"),
        judges=True,
        ready=200,
    ),
    Fault("busy with a script (BUSY)", busy, no_longer_busy, judges=False),
]


@dataclass
class Notes:
    """What callers saw while a fault lasted."""

    fault: str
    way: str
    used: Counter[int] = field(default_factory=Counter)
    """Answers to a token that is good."""
    late: Counter[int] = field(default_factory=Counter)
    """Of these, those after every worker has noticed."""
    noticed: float = 0.0
    """Seconds until every caller was told what must hold while it lasts."""
    ended: Counter[int] = field(default_factory=Counter)
    """Answers to a token that was revoked before."""
    issued: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    ready: int = 0
    healed: float = 0.0
    lag: float = 0.0
    """Seconds by which what was measured may be later: see `Lag`."""

    def row(self) -> str:
        """A line of the report."""
        kinds = (self.used, self.ended, self.issued)
        cells = [", ".join(f"{code}: {count}" for code, count in sorted(kind.items())) for kind in kinds]
        times = f"{self.slowest:.2f} | {self.ready} | {self.healed:.2f}"
        return f"| {self.fault} | {self.way} | {' | '.join(cells)} | {times} |"


@pytest.fixture
def lasting_valkey() -> Iterator[Valkey]:
    """A server that keeps its data when it is killed."""
    server = Valkey("--appendonly", "yes", "--appendfsync", "always")
    server.start()
    yield server
    server.remove()


@asynccontextmanager
async def callers(first: Caller) -> AsyncIterator[list[Caller]]:
    several = [Caller(first.gateway) for _ in range(CONNECTIONS)]
    yield several
    for one in several:
        await one.close()


@pytest.mark.parametrize("ways", WAYS, ids=str)
async def test_nobody_is_let_in_who_should_not_be_and_everything_heals(
    lasting_valkey: Valkey, start: StartCaller, ways: list[Way]
) -> None:
    async with AsyncExitStack() as stack:
        gateways = []
        for fast_path, workers in ways:
            caller = await start(lasting_valkey.url, fast_path=fast_path, workers=workers)
            several = await stack.enter_async_context(callers(caller))
            way = f"{'fast path' if fast_path else 'aiohttp'}, {workers} worker{'s' if workers > 1 else ''}"
            gateways.append(Watched(way, several))
        for fault in FAULTS:
            for gateway in gateways:
                await gateway.prepare()
            fault.begin(lasting_valkey)
            async with lag_noted() as lag:
                noted = await asyncio.gather(*(gateway.watch(fault, lag) for gateway in gateways))
            fault.end(lasting_valkey)
            healed = await asyncio.gather(*(seconds_until(gateway.healed) for gateway in gateways))
            for notes, seconds in zip(noted, healed, strict=True):
                notes.healed, notes.lag = seconds, lag.longest
                judge(fault, notes)
                _report(notes)


def judge(fault: Fault, notes: Notes) -> None:
    """What must hold of every fault."""
    assert notes.ended.keys() <= {401, 503}, f"{notes.fault}: a revoked token was let in: {notes.ended}"
    assert notes.used.keys() <= {200, 503}, notes
    assert notes.noticed < NOTICED + notes.lag, notes
    assert set(notes.late) <= ({200} if fault.judges else {503}), notes
    assert set(notes.issued) <= ({200} if fault.issues else {200, 503}), notes
    assert notes.ready == fault.ready, notes
    # A command's time-out, and a second question to the next connection.
    assert notes.slowest < 8 + notes.lag, notes


@dataclass
class Watched:
    """A gateway with its callers, while one fault after the other happens to its store."""

    way: str
    several: list[Caller]
    good: str = ""
    ended: str = ""

    async def prepare(self) -> None:
        """Takes two tokens: one is revoked, the other one is known to every worker."""
        first = self.several[0]
        self.good, self.ended = await first.token(3600), await first.token(3601)
        assert await first.revoke(self.ended) == 200
        await seconds_until(self._all_know)

    async def watch(self, fault: Fault, lag: Lag) -> Notes:
        """Calls while the fault lasts."""
        notes, over = Notes(fault.name, self.way), asyncio.Event()
        asking = asyncio.create_task(self._issue(notes, over))
        expected = 200 if fault.judges else 503
        noticed = await asyncio.gather(*(self._notice(one, expected, notes) for one in self.several))
        notes.noticed = max(noticed)
        await asyncio.gather(*(self._call(caller, notes) for caller in self.several))
        await self._readiness(fault, notes, lag)
        over.set()
        await asking
        return notes

    async def _notice(self, caller: Caller, expected: int, notes: Notes) -> float:
        """When the caller asked that was first told what must hold: seconds since the fault began."""
        begun = asked = time.monotonic()
        while await self._use(caller, notes) != expected:
            await asyncio.sleep(0.01)
            asked = time.monotonic()
            assert asked - begun < PATIENCE, f"no answer was {expected}: {notes}"
        return asked - begun

    async def _call(self, caller: Caller, notes: Notes) -> None:
        begun = time.monotonic()
        while time.monotonic() - begun < WINDOW:
            notes.late[await self._use(caller, notes)] += 1
            await asyncio.sleep(0.02)

    async def _use(self, caller: Caller, notes: Notes) -> int:
        """The answer to the good token."""
        begun = time.monotonic()
        status = await caller.use(self.good)
        notes.used[status] += 1
        notes.ended[await caller.use(self.ended)] += 1
        notes.slowest = max(notes.slowest, (time.monotonic() - begun) / 2)
        return status

    async def _issue(self, notes: Notes, over: asyncio.Event) -> None:
        async with callers(self.several[0]) as several:
            while not over.is_set():
                notes.issued[await several[0].issue()] += 1
                await asyncio.sleep(0.1)

    async def _readiness(self, fault: Fault, notes: Notes, lag: Lag) -> None:
        """Any worker may answer; each knows within `TRIED` seconds."""
        caller = self.several[0]
        body: dict[str, object] = {}

        async def told() -> bool:
            nonlocal body
            notes.ready, body = await caller.ready()
            return body["can_issue"] is fault.issues

        async def strictly_told() -> bool:
            return (await caller.ready("?strict"))[0] == 503

        assert await seconds_until(told) < TRIED + lag.longest
        assert body["can_judge"] is fault.judges, body
        assert body["reasons"], body
        assert await seconds_until(strictly_told) < TRIED + lag.longest

    async def _all_know(self) -> bool:
        return [await caller.use(self.good) for caller in self.several] == [200] * len(self.several)

    async def healed(self) -> bool:
        if not await self._all_know():
            return False
        issued = [await caller.issue() for caller in self.several]
        return issued == [200] * len(self.several) and (await self.several[0].ready("?strict"))[0] == 200


def _report(notes: Notes) -> None:
    file = os.environ.get("GATEPOST_FAULTS_REPORT")
    if file:
        with Path(file).open("a") as out:
            out.write(notes.row() + "\n")


@pytest.mark.parametrize(
    "wrong",
    [
        Notes("killed", "", ended=Counter({401: 9, 200: 1})),
        Notes("killed", "", used=Counter({200: 1, 500: 1})),
        Notes("killed", "", late=Counter({503: 9, 200: 1})),
        Notes("killed", "", issued=Counter({500: 1})),
        Notes("killed", "", ready=200),
        Notes("killed", "", slowest=30.0),
        Notes("killed", "", noticed=2.5),
    ],
)
def test_what_must_not_be_is_found(wrong: Notes) -> None:
    wrong.ready = wrong.ready or 503
    with pytest.raises(AssertionError):
        judge(FAULTS[0], wrong)
    judge(FAULTS[0], Notes("killed", "", ready=503))


def test_the_report_is_a_row_of_a_table() -> None:
    notes = Notes("killed", "fast path", used=Counter({200: 3, 503: 7}), ready=503, healed=0.25)
    assert notes.row() == "| killed | fast path | 200: 3, 503: 7 |  |  | 0.00 | 503 | 0.25 |"
