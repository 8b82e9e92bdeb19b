"""The run: round by round, case by case, so that what disturbs one disturbs its neighbours, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks import wrk
from benchmarks.cases import SMALL, Case, get
from benchmarks.contender import Contender
from benchmarks.figures import Question
from benchmarks.load import Outcome
from benchmarks.meter import Meter
from benchmarks.names import GATEPOST
from benchmarks.paced import run_paced
from benchmarks.samples import Figure, Sample, Side, by_round
from benchmarks.stand import Stand


class Bench:
    """Gathers what is measured."""

    def __init__(
        self, stand: Stand, seconds: float, on_case: Callable[[list[Sample | Figure]], None] | None = None
    ) -> None:
        self._stand, self._seconds, self._on_case = stand, seconds, on_case
        self.readings: list[Sample | Figure] = []
        self._top_rates: dict[int, float] = {}
        """By round: found once, so that all contenders are asked at the same rate."""

    def round(self, number: int, cases: Sequence[Case], questions: Sequence[Question]) -> None:
        """Each contender in each case once, and each question."""
        for question in questions:
            if number == 0 or not question.once:
                for figure in question.take(self._stand, number, self._seconds):
                    self._keep(figure, f"{figure.value:.4g} {figure.unit}")
        for case in cases:
            for name in case.contenders:
                if name in self._stand.contenders:
                    done = self._measure(case, self._stand.contenders[name], number)
                    text = f"{done.cpu:.1f} µs, {done.rate:.0f}/s, p99 {done.p99 * 1e3:.2f} ms"
                    self._keep(done, f"{text}, wrong {done.wrong}")
            if self._on_case is not None:
                self._on_case(self.readings)

    def _keep(self, one: Sample | Figure, text: str) -> None:
        self.readings.append(one)
        print(f"{one.round + 1}: {one.case}: {one.contender}: {text}", flush=True)

    def _measure(self, case: Case, contender: Contender, number: int) -> Sample:
        rate = None if case.pace is None else case.pace * self._top_rate(number)
        self._load(case, contender, case.warm_up, rate, Meter(contender))
        meter = Meter(contender)
        outcome = self._load(case, contender, self._seconds, rate, meter)
        done = meter.sample(case.name, number, outcome, paced=case.at_own_rate)
        contender.empty_logs()
        return done

    def _load(
        self, case: Case, contender: Contender, seconds: float, rate: float | None, meter: Meter
    ) -> Outcome:
        load = case.load(self._stand, contender)
        if rate is not None:
            return run_paced(load, seconds, rate, meter)
        if case.run is not None:
            return case.run(load, seconds, meter)
        outcome = wrk.run(load, seconds)
        if load.tokens is not None:
            # The requests under way at the end are not counted, but their tokens have been shown.
            asked = load.first + outcome.requests + load.connections
            self._stand.asked[contender.name] = asked % len(load.tokens.read_text().splitlines())
        return outcome

    def _top_rate(self, number: int) -> float:
        """What Gatepost can do in this round."""
        known = by_round(self.readings, Side(SMALL, GATEPOST, "rate"))
        if number not in self._top_rates:
            self._top_rates[number] = known[number] if number in known else self._found_rate()
        return self._top_rates[number]

    def _found_rate(self) -> float:
        return wrk.run(get("/small")(self._stand, self._stand.contenders[GATEPOST]), self._seconds).rate
