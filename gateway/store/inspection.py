"""What a server is, as far as it says so: for the command that tells whether it is fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from time import monotonic
from typing import Any

from gateway.store.address import CLUSTER
from gateway.store.eviction import eviction_problem
from gateway.store.health import StoreHealth, StoreReport
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.pool import StorePool
from gateway.store.redis_errors import CommandRejected
from gateway.store.rights import FEATURES, REQUIRED, Feature, missing_rights

PINGS = 20
OLDEST_VERSION = 6
SLOW = 0.01
"""Seconds of a round trip, beyond which each new token takes long."""
MAX_CLOCK_DIFFERENCE = 2.0
MEMORY_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What was found."""

    server: str
    """`redis` or `valkey`."""
    version: str
    role: str
    mode: str
    policy: str | None
    """The `maxmemory-policy`; None: it does not say."""
    append_only: bool | None
    snapshots: bool | None
    """Whether it has saved its data in a file (RDB), as far as is known."""
    used_memory: int | None
    max_memory: int | None
    """Bytes; 0: no limit."""
    tracking: bool
    clock_difference: float
    """Seconds that this machine's clock is ahead of the server's."""
    median_latency: float
    """Seconds."""
    max_latency: float
    """Seconds."""
    writes: StoreReport
    missing_rights: dict[str, list[str]] = field(default_factory=dict)
    is_cluster: bool = False
    """Whether a cluster is what was asked for."""

    def problems(self, *, allow_eviction: bool) -> list[str]:
        """Why the server is not fit."""
        found = [self.writes.issue_problem, self.writes.revoke_problem]
        if self.major is not None and self.major < OLDEST_VERSION:
            found.append(f"version {self.version} is too old: Redis 6 or Valkey is needed")
        if self.mode == "cluster" and not self.is_cluster:
            found.append("it is a member of a cluster: a single server is needed with this URL")
        if self.policy is not None and self.policy.startswith("allkeys-") and not allow_eviction:
            found.append(eviction_problem(self.policy))
        found += [line for name, line in self._lacks() if name in REQUIRED]
        return list(dict.fromkeys(one for one in found if one is not None))

    def warnings(self, *, allow_eviction: bool) -> list[str]:
        """What should be mended although it works."""
        found = [f"{name}: {line}" for name, line in self._lacks() if name not in REQUIRED]
        if not self.tracking:
            found.append("no client tracking: workers have no caches, and each request asks the store")
        if self.policy is not None and self.policy.startswith("volatile-") and not allow_eviction:
            found.append(str(eviction_problem(self.policy)))
        if self.append_only is False:
            kept = "since the last snapshot" if self.snapshots else "that it has"
            found.append(f"appendonly is off: a restart loses what is new {kept}: set appendonly yes")
        if self.max_memory and self.used_memory and self.used_memory > MEMORY_SHARE * self.max_memory:
            found.append("its memory is nearly full: raise maxmemory")
        if abs(self.clock_difference) > MAX_CLOCK_DIFFERENCE:
            found.append(
                f"its clock and this machine's differ by {abs(self.clock_difference):.1f} s: run NTP"
            )
        if self.median_latency > SLOW:
            found.append(f"a round trip takes {self.median_latency * 1000:.0f} ms: place it nearer")
        return found

    def _lacks(self) -> list[tuple[str, str]]:
        """Features, and the rights for them that are missing."""
        return [
            (name, f"the user may not run {', '.join(commands)}")
            for name, commands in self.missing_rights.items()
        ]

    @property
    def major(self) -> int | None:
        """The first number of the version."""
        number = self.version.partition(".")[0]
        return int(number) if number.isdecimal() else None


async def inspect(
    link: StoreLink,
    pool: StorePool,
    health: StoreHealth,
    names: KeyNames,
    features: Sequence[Feature] = FEATURES,
) -> ServerFacts:
    """Asks a server about itself; in a cluster, one of the masters. Raises StoreUnavailable."""
    hello = await _hello(link)
    info = await _info(link)
    seconds = [await _ping(link) for _ in range(PINGS)]
    missing = await missing_rights(link, pool, names, features)
    return ServerFacts(
        server="valkey" if "valkey_version" in info else hello.get("server", "redis"),
        version=info.get("valkey_version") or info.get("redis_version") or hello.get("version", "unknown"),
        role=hello.get("role") or info.get("role", "unknown"),
        mode=hello.get("mode") or info.get("redis_mode", "unknown"),
        policy=info.get("maxmemory_policy"),
        append_only=_flag(info.get("aof_enabled")),
        snapshots=None if "rdb_last_save_time" not in info else int(info.get("rdb_saves", "0")) > 0,
        used_memory=_number(info.get("used_memory")),
        max_memory=_number(info.get("maxmemory")),
        tracking=hello.get("proto") == "3" and "caches" not in missing,
        clock_difference=link.clock.difference,
        median_latency=median(seconds),
        max_latency=max(seconds),
        writes=await health.try_writes(),
        missing_rights=missing,
        is_cluster=link.server.topology == CLUSTER,
    )


async def _ping(link: StoreLink) -> float:
    asked = monotonic()
    await link.ping()
    return monotonic() - asked


async def _hello(link: StoreLink) -> dict[str, str]:
    try:
        answer: Any = await link.execute("HELLO")
    except CommandRejected:
        return {}
    if not isinstance(answer, dict):
        answer = dict(zip(answer[::2], answer[1::2], strict=True))
    return {
        name.decode(): value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for name, value in answer.items()
        if isinstance(value, bytes | int)
    }


async def _info(link: StoreLink) -> dict[str, str]:
    try:
        answer: Any = await link.execute("INFO")
    except CommandRejected:
        return {}
    pairs = (line.partition(":") for line in answer.decode("utf-8", "replace").splitlines())
    return {name: value for name, separator, value in pairs if separator}


def _flag(text: str | None) -> bool | None:
    return None if text is None else text != "0"


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
