"""What the nodes of a Redis Cluster say of it, and which of them is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.store.address import Host

SLOTS = 16_384


@dataclass(frozen=True, slots=True)
class ClusterView:
    """The cluster as one node knows it."""

    ok: bool
    """Whether the node takes commands: it sees a majority of the masters, and all slots have one."""
    epoch: int
    """The number of the newest configuration: each failover has a higher one."""
    slots: tuple[tuple[int, int, Host], ...] = ()
    """Ranges of slots, with the first and the last one, and their masters."""
    nodes: frozenset[Host] = frozenset()
    """Masters and replicas."""

    @property
    def masters(self) -> frozenset[Host]:
        """The masters that have slots."""
        return frozenset(host for _, _, host in self.slots)


def newest_view(views: Sequence[ClusterView]) -> ClusterView | None:
    """The view of the newest configuration; of several of it, the one that most nodes have.

    A node that was cut off with a minority says that the cluster is down: it counts only where no other node
    answers.
    """
    if not views:
        return None
    return max(views, key=lambda view: (view.ok, view.epoch, views.count(view)))
