"""The CPUs that a control group may use, by the texts of the kernel's files."""

from __future__ import annotations

import pytest

from gateway.process.cgroup import cpu_quota

V1 = "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n"
CFS = "/sys/fs/cgroup/cpu,cpuacct"


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({}, None),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max": "50000 100000\n"}, 0.5),
        # A limit further up holds, too.
        (
            {
                "/proc/self/cgroup": "0::/a/b\n",
                "/sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
                "/sys/fs/cgroup/a/cpu.max": "200000 100000\n",
            },
            2.0,
        ),
        # In a container without a namespace of its own the path is the host's, and the files are at the root.
        ({"/proc/self/cgroup": "0::/kubepods/pod1\n", "/sys/fs/cgroup/cpu.max": "300000 100000\n"}, 3.0),
        ({"/proc/self/cgroup": "0::/../outside\n", "/sys/fs/cgroup/outside/cpu.max": "1000 1000\n"}, 1.0),
        (
            {
                "/proc/self/cgroup": V1,
                f"{CFS}/docker/x/cpu.cfs_quota_us": "250000\n",
                f"{CFS}/docker/x/cpu.cfs_period_us": "100000\n",
            },
            2.5,
        ),
        (
            {
                "/proc/self/cgroup": V1,
                f"{CFS}/cpu.cfs_quota_us": "-1\n",
                f"{CFS}/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        (
            {
                "/proc/self/cgroup": V1,
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            1.0,
        ),
        ({"/proc/self/cgroup": "nonsense\n:::\n0::/\n", "/sys/fs/cgroup/cpu.max": "many\n"}, None),
    ],
)
def test_the_least_quota_of_the_groups_counts(files: dict[str, str], cpus: float | None) -> None:
    assert cpu_quota(files.get) == cpus
