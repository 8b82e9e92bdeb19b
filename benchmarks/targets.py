"""What is wanted, as data; and whether it was reached."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from benchmarks.cases import (
    ASSERTION,
    BOUND,
    CASES,
    CHUNKED,
    CONNECTION,
    EVENT,
    EVENTS_EACH,
    EXPECT,
    FOREIGN,
    FORGED,
    HALF_RATE,
    HANDSHAKE,
    HOOK,
    MESSAGE,
    NEW,
    NOT_CACHED,
    PLUGINS,
    PROOF,
    RESUMED,
    REUSED,
    ROUTES,
    SIGNED,
    SMALL,
    TLS,
    WORKERS,
)
from benchmarks.figures import (
    HELP,
    IDLE_CONNECTION,
    OVERLOAD,
    START,
    STORE_SPACE,
    WORKER_MEMORY,
    overload_name,
)
from benchmarks.gateposts import COMPILED_AS
from benchmarks.names import (
    ALL_PLUGINS,
    COMPILED,
    ENVOY,
    GATEPOST,
    JWT,
    MANY_ROUTES,
    NGINX,
    NGINX_EXTRAS,
    NGINX_REDIS,
    OIDC,
    ON_REDIS,
    SLOW_PATHS,
    TEN_ROUTES,
    TRAEFIK,
    TWO_WORKERS,
)
from benchmarks.overload import BACK, P99
from benchmarks.reloads import RELOAD
from benchmarks.samples import Reading, Side, by_round, ratios


@dataclass(frozen=True, slots=True)
class Target:
    """One number to reach."""

    what: str
    of: Side
    limit: float
    unit: str
    to: Side | None = None
    """What it is a ratio to, within a round; None: it counts by itself."""
    at_least: bool = False
    """Whether more is better."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a target."""

    target: Target
    median: float
    least: float
    most: float

    @property
    def reached(self) -> bool:
        """Judged by the median, as it is, not as it is shown."""
        return self.median >= self.target.limit if self.target.at_least else self.median <= self.target.limit


def judge(target: Target, readings: Iterable[Reading]) -> Verdict | None:
    """None where it was not measured."""
    readings = list(readings)
    if target.to is None:
        values = list(by_round(readings, target.of).values())
    else:
        values = ratios(readings, target.of, target.to)
    return Verdict(target, statistics.median(values), min(values), max(values)) if values else None


def _cpu(what: str, of: Side, to: Side, limit: float) -> Target:
    return Target(f"{what}: CPU per request", of, limit, f"× {to.contender}", to)


def _compiled(targets: Iterable[Target]) -> Iterator[Target]:
    """The same of the compiled edition, where it is measured, too."""
    measured = {
        (case.name, like): name
        for case in CASES
        for name, like in COMPILED_AS.items()
        if name in case.contenders
    }
    for target in targets:
        of = target.of
        if (name := measured.get((of.case, of.contender))) is not None:
            yield replace(target, what=f"compiled: {target.what}", of=replace(of, contender=name))


def _tokens(what: str, case: str, contender: str, limit: float, quantity: str = "rate") -> Target:
    measure = "requests/s" if quantity == "rate" else "CPU per request, without the store's"
    return Target(
        f"{what}: {measure}", Side(case, contender, quantity), limit, f"× {OIDC}",
        Side(case, OIDC, quantity), at_least=quantity == "rate",
    )  # fmt: skip


CHECKED = Side(SMALL, GATEPOST)
TO_NGINX = ((CONNECTION, 1.4), (HANDSHAKE, 1.2), (RESUMED, 1.2), (MESSAGE, 1.5), (EVENT, 1.5))
"""What costs a connection or a message, beside nginx."""
DEARER = (
    (CHUNKED, GATEPOST),
    (EXPECT, GATEPOST),
    (EVENTS_EACH, GATEPOST),
    (HOOK, SLOW_PATHS),
    (PROOF, GATEPOST),
    (FOREIGN, SLOW_PATHS),
)
"""Requests that take more than a plain one."""
PURE = (
    _cpu("token checked, small answer", CHECKED, Side(SMALL, NGINX), 1.4),
    _cpu("token checked, small answer", CHECKED, Side(SMALL, ENVOY), 0.45),
    _cpu("token checked, small answer", CHECKED, Side(SMALL, TRAEFIK), 0.55),
    _cpu(PLUGINS, Side(PLUGINS, ALL_PLUGINS), Side(PLUGINS, NGINX_EXTRAS), 1.8),
    _cpu(NOT_CACHED, Side(NOT_CACHED, ON_REDIS), Side(NOT_CACHED, NGINX_REDIS), 1.7),
    *(_cpu(case, Side(case, GATEPOST), Side(case, NGINX), limit) for case, limit in TO_NGINX),
    *(
        Target(f"{case}: CPU per request", Side(case, contender), 1.8, f"× “{SMALL}”", CHECKED)
        for case, contender in DEARER
    ),
    Target("p99 at half of Gatepost's own top rate", Side(HALF_RATE, GATEPOST, "p99"), 1.2, f"× {NGINX}", Side(HALF_RATE, NGINX, "p99")),
    Target("p99.9 at half of Gatepost's own top rate", Side(HALF_RATE, GATEPOST, "p999"), 1.2, f"× {NGINX}", Side(HALF_RATE, NGINX, "p999")),
    *(
        Target(overload_name(case, quantity), Side(overload_name(case, quantity), GATEPOST, "value"), limit, unit)
        for case in OVERLOAD
        for quantity, limit, unit in ((P99, 100, "ms"), (BACK, 1, "s"))
    ),
    _cpu("401 for a forged token, to a proxied request", Side(FORGED, GATEPOST), Side(SMALL, NGINX), 0.8),
    Target("401 for a forged token: store commands per request", Side(FORGED, GATEPOST, "store_commands"), 0.01, ""),
    Target("TLS 1.3, 1 KiB, 100 connections, 2 workers", Side(TLS, TWO_WORKERS, "rate"), 17_500, "requests/s", at_least=True),
    _tokens("/token, new each, Redis apart", NEW, ON_REDIS, 4),
    _tokens("/token, new each, own store on the same core", NEW, GATEPOST, 2),
    _tokens("/token, new each, Redis apart", NEW, ON_REDIS, 1 / 4, "cpu"),
    _tokens("/token, reused, Redis apart", REUSED, ON_REDIS, 6),
    _tokens("/token, reused, own store on the same core", REUSED, GATEPOST, 6),
    _tokens("/token, reused, Redis apart", REUSED, ON_REDIS, 1 / 6, "cpu"),
    _tokens(ASSERTION, ASSERTION, GATEPOST, 3),
    _tokens(SIGNED, SIGNED, JWT, 3),
    _tokens(BOUND, BOUND, GATEPOST, 3),
    _cpu("10,000 routes", Side(ROUTES, MANY_ROUTES), Side(ROUTES, TEN_ROUTES), 1.1),
    Target(WORKER_MEMORY, Side(WORKER_MEMORY, GATEPOST, "value"), 60, "MiB"),
    Target(f"{WORKER_MEMORY}, the larger of two", Side(WORKER_MEMORY, TWO_WORKERS, "value"), 60, "MiB"),
    Target(f"{STORE_SPACE}, Redis", Side(STORE_SPACE, ON_REDIS, "value"), 400, "bytes"),
    Target(f"{STORE_SPACE}, its own Valkey", Side(STORE_SPACE, GATEPOST, "value"), 400, "bytes"),
    Target(IDLE_CONNECTION, Side(IDLE_CONNECTION, GATEPOST, "value"), 2, "KiB"),
    Target(START, Side(START, GATEPOST, "value"), 0.5, "s"),
    Target(HELP, Side(HELP, GATEPOST, "value"), 0.15, "s"),
    Target(RELOAD, Side(RELOAD, GATEPOST, "value"), 20, "ms"),
    _cpu("2 workers", Side(WORKERS, TWO_WORKERS), Side(WORKERS, GATEPOST), 1.1),
)  # fmt: skip
"""Those of what everybody has who installs Gatepost."""
TARGETS = (
    *PURE,
    *_compiled(PURE),
    _cpu("compiled edition, to the other", Side(SMALL, COMPILED), CHECKED, 0.85),
)
