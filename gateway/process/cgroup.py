"""How much CPU time the control group of this process may use: what containers limit.

https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
https://docs.kernel.org/scheduler/sched-bwc.html (version 1)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

ROOT = "/sys/fs/cgroup"
OWN = "/proc/self/cgroup"

Read = Callable[[str], str | None]
"""The text of a file; None where there is none."""


def cpu_quota(read: Read) -> float | None:
    """The CPUs that this process may use at a time, such as 1.5; None: as many as there are.

    Every group up to the root has a limit of its own, and the least one counts.
    """
    quotas = [quota for quota in _quotas(read) if quota is not None]
    return min(quotas, default=None)


def read_file(name: str) -> str | None:
    """A file of the kernel's."""
    with suppress(OSError, UnicodeDecodeError):
        return Path(name).read_text(encoding="ascii")
    return None


def _quotas(read: Read) -> Iterator[float | None]:
    # Each line: the number of a hierarchy, its controllers, the group of this process.
    for line in (read(OWN) or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0" and not controllers:
            yield from (_version_2(read(f"{ROOT}{folder}/cpu.max")) for folder in _up(group))
        elif "cpu" in controllers.split(","):
            for mount in (controllers, "cpu"):
                yield from (_version_1(read, f"{ROOT}/{mount}{folder}") for folder in _up(group))


def _up(group: str) -> Iterator[str]:
    """A group and those above it. In a container the own one may be at the root, whatever it is called."""
    parts = [part for part in group.split("/") if part and part != ".."]
    for length in range(len(parts), -1, -1):
        yield "".join(f"/{part}" for part in parts[:length])


def _version_2(text: str | None) -> float | None:
    """`150000 100000`: microseconds in each period of so many; or `max 100000`."""
    quota, _, period = (text or "").strip().partition(" ")
    return _cpus(quota, period)


def _version_1(read: Read, folder: str) -> float | None:
    quota, period = (read(f"{folder}/cpu.cfs_{name}_us") for name in ("quota", "period"))
    return _cpus((quota or "").strip(), (period or "").strip())


def _cpus(quota: str, period: str) -> float | None:
    # Version 1 says -1 where there is no limit, version 2 `max`.
    if not quota.isdigit() or not period.isdigit() or not int(quota) or not int(period):
        return None
    return int(quota) / int(period)
