"""What Sentinels are asked with, and what follows from their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.store.address import Host


@dataclass(frozen=True, slots=True)
class SentinelCredentials:
    """How the gateway proves itself to Sentinels (`store.sentinel`)."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)


NO_CREDENTIALS = SentinelCredentials()


@dataclass(frozen=True, slots=True)
class SentinelAnswer:
    """What one Sentinel says of the primary."""

    primary: Host
    epoch: int
    """The number of the configuration: each failover has a higher one."""


OUTDATED = "the only Sentinels that answer do not know of the last failover"


def newest(answers: Sequence[SentinelAnswer], known: int, sentinels: int) -> SentinelAnswer | None:
    """The answer of the newest configuration: a Sentinel that was cut off still names an older primary.

    Of Sentinels with the same configuration the most decide: while one of them promotes a replica, it names
    it already. An older one than `known` counts only where most of all `sentinels` have none newer: they may
    have been set up anew. Otherwise those that answer were cut off, and the old primary with them.
    """
    if not answers:
        return None
    epoch = max(answer.epoch for answer in answers)
    if epoch < known and 2 * len(answers) <= sentinels:
        return None
    named = [answer for answer in answers if answer.epoch == epoch]
    return max(named, key=named.count)
