"""What a contender used between two moments."""

from __future__ import annotations

from benchmarks.contender import Contender
from benchmarks.load import LOAD_CORE, Outcome
from benchmarks.machine import core_busy_seconds
from benchmarks.samples import Sample


class Meter:
    """Runs from when it is made, or from `begin`, until a sample is taken, or until `end`."""

    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._cores = sorted(contender.cores)
        self._before = self._now()
        self._after: tuple[float, float, float, float] | None = None

    def begin(self) -> None:
        """Begins anew."""
        self._before = self._now()

    def end(self) -> None:
        """What follows does not count."""
        self._after = self._now()

    def sample(self, case: str, number: int, outcome: Outcome, *, paced: bool) -> Sample:
        """What was used since."""
        contender, store = self._contender, self._contender.store
        cpu, store_cpu, commands, core = (
            after - before for after, before in zip(self._after or self._now(), self._before, strict=True)
        )
        requests = max(outcome.requests, 1)
        used = cpu + (store_cpu if store is not None and store.cores <= contender.cores else 0)
        available = outcome.seconds * len(contender.cores)
        return Sample(
            case, contender.name, number, cpu / requests * 1e6,
            outcome.rate, outcome.p50, outcome.p99, contender.memory(),
            busy=used / available,
            disturbed=max(0.0, core - used) / available,
            store_cpu=None if store is None else store_cpu / requests * 1e6,
            store_commands=None if store is None else commands / requests,
            wrong=sum(outcome.wrong.values()),
            kinds=", ".join(f"{kind} {count}" for kind, count in outcome.wrong.items()),
            own_core=LOAD_CORE not in contender.cores,
            paced=paced,
            p999=outcome.p999,
            late=outcome.late,
            late_most=outcome.late_most,
        )  # fmt: skip

    def _now(self) -> tuple[float, float, float, float]:
        store = self._contender.store
        return (
            self._contender.cpu(),
            0.0 if store is None else store.cpu(),
            0.0 if store is None else store.commands(),
            core_busy_seconds(self._cores),
        )
