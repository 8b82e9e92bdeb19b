"""The tables: medians over the rounds; a ratio is taken within a round first."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from benchmarks.cases import SMALL, Case
from benchmarks.names import ENVOY, GATEPOST, NGINX, TRAEFIK
from benchmarks.samples import Figure, Sample, Side, ratios
from benchmarks.targets import Target, Verdict, judge

PEERS = {NGINX: "nginx with Lua", ENVOY: "Envoy with Lua", TRAEFIK: "Traefik without a check"}
Readings = Sequence[Sample | Figure]
BUSY_ENOUGH = 0.9
QUIET_ENOUGH = 0.05


def headline(readings: Readings) -> str:
    """What a checked token costs, in a sentence."""
    own = Side(SMALL, GATEPOST)
    costs = {words: ratios(readings, own, Side(SMALL, peer)) for peer, words in PEERS.items()}
    parts = [
        f"{statistics.median(each):.2f} times the CPU of {words}" for words, each in costs.items() if each
    ]
    return f"A proxied request with its token checked costs Gatepost {', '.join(parts)}."


def targets_table(targets: Iterable[Target], readings: Readings) -> str:
    """What is wanted, what was measured, and whether that is enough."""
    lines = ["| what | goal | measured | min to max | reached |", "|---|---|---|---|---|"]
    for target in targets:
        verdict = judge(target, readings)
        sign = "≥" if target.at_least else "≤"
        wanted = f"{sign} {number(target.limit)} {target.unit}".rstrip()
        lines.append(_line([target.what, wanted, *_judged(verdict)]))
    return "\n".join(lines) + "\n"


def _judged(verdict: Verdict | None) -> list[str]:
    if verdict is None:
        return ["not measured", "", ""]
    spread = f"{number(verdict.least)} to {number(verdict.most)}"
    return [number(verdict.median), spread, "yes" if verdict.reached else "**no**"]


def cases_table(cases: Iterable[Case], readings: Readings) -> str:
    """Each contender in each case."""
    lines = [
        "| case | server | CPU µs per request | ratio | requests/s | p50 ms | p99 ms | p99.9 ms | memory MiB | core busy | remarks |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    samples = [one for one in readings if isinstance(one, Sample)]
    for case in cases:
        for name in case.contenders:
            own = [one for one in samples if one.case == case.name and one.contender == name]
            if own:
                lines.append(_row(case, name, own, samples))
    return "\n".join(lines) + "\n"


def figures_table(readings: Readings) -> str:
    """What is no load's."""
    lines = ["| what | server | median | min to max | unit |", "|---|---|---|---|---|"]
    groups: dict[tuple[str, str, str], list[float]] = {}
    for one in readings:
        if isinstance(one, Figure):
            groups.setdefault((one.case, one.contender, one.unit), []).append(one.value)
    for (case, contender, unit), values in groups.items():
        spread = f"{number(min(values))} to {number(max(values))}"
        lines.append(_line([case, contender, number(statistics.median(values)), spread, unit]))
    return "\n".join(lines) + "\n"


def _row(case: Case, name: str, own: Sequence[Sample], samples: Readings) -> str:
    found = ratios(samples, Side(case.name, name), Side(case.base_case or case.name, case.base))
    beside = f" in “{case.base_case}”" if case.base_case else ""
    return _line(
        [
            case.name,
            name,
            f"{_median(one.cpu for one in own):.1f}",
            f"{statistics.median(found):.2f} × {case.base}{beside}" if found else "",
            f"{_median(one.rate for one in own):,.0f}",
            f"{_median(one.p50 for one in own) * 1e3:.2f}",
            f"{_median(one.p99 for one in own) * 1e3:.2f}",
            "" if (late := _known(one.p999 for one in own)) is None else f"{late * 1e3:.2f}",
            f"{_median(one.memory for one in own):.0f}",
            f"{_median(one.busy for one in own):.0%}",
            "; ".join(remarks(own)),
        ]
    )


def remarks(own: Sequence[Sample]) -> list[str]:
    """What a reader must know beside the numbers."""
    found = []
    wrong = sum(one.wrong for one in own)
    if wrong:
        kinds = "; ".join(dict.fromkeys(one.kinds for one in own if one.kinds))
        found.append(f"**{wrong} wrong answers** ({kinds})")
    if not own[0].own_core:
        found.append("shares a core with the load")
    elif not own[0].paced and _median(one.busy + one.disturbed for one in own) < BUSY_ENOUGH:
        found.append("the load was the limit")
    late, late_most = _known(one.late for one in own), _known(one.late_most for one in own)
    if late is not None and late_most is not None:
        found.append(f"the load itself was late: p99 {late * 1e3:.2f} ms, p99.9 {late_most * 1e3:.2f} ms")
    others = _median(one.disturbed for one in own)
    if own[0].own_core and others > QUIET_ENOUGH:
        found.append(f"others used {others:.0%} of its core")
    cpu = [one.store_cpu for one in own if one.store_cpu is not None]
    commands = [one.store_commands for one in own if one.store_commands is not None]
    if cpu and commands and statistics.median(commands) > 0.01:
        asked, spent = statistics.median(commands), statistics.median(cpu)
        found.append(f"its store: {asked:.2f} commands, {spent:.1f} µs per request")
    return found


def number(value: float) -> str:
    """Three digits or more, none of them for nothing."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _known(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)
