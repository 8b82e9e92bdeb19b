"""Asks the nodes of a Redis Cluster who has which slots, with redis-py's client for it.

Not over the links that carry commands: what a node says of the cluster must not wait behind them.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from gateway.store.address import Host, StoreAddress
from gateway.store.cluster_view import ClusterView
from gateway.store.questions import Questions
from gateway.store.redis_options import client_options


class ClusterNodes:
    """The nodes of a cluster, each with a connection for questions."""

    def __init__(self, address: StoreAddress, timeout: float) -> None:
        self._options = client_options(address, timeout, username=address.username, password=address.password)
        self._clients: dict[Host, Redis] = {}
        self._questions: Questions[ClusterView] = Questions(timeout)

    async def ask(self, hosts: Iterable[Host]) -> tuple[list[ClusterView], str]:
        """What those say that answer in time, and otherwise why there is no answer."""
        views, problems = await self._questions.ask(self._ask(host) for host in hosts)
        return views, "; ".join(problems) or "no node of the cluster answers in time"

    async def forget(self, keep: frozenset[Host]) -> None:
        """Closes the connections to all nodes but some."""
        for host in self._clients.keys() - keep:
            with suppress(RedisError, OSError):
                await self._clients.pop(host).aclose()

    async def close(self) -> None:
        """Closes all connections."""
        await self._questions.close()
        await self.forget(frozenset())

    async def _ask(self, host: Host) -> ClusterView | str:
        name = f"{host[0]}:{host[1]}"
        if host not in self._clients:
            self._clients[host] = Redis(host=host[0], port=host[1], max_connections=2, **self._options)
        client: Any = self._clients[host]
        try:
            info = await client.execute_command("CLUSTER INFO")
            slots = await client.execute_command("CLUSTER SLOTS")
            return _view(host, info, slots)
        except AuthenticationError:
            return f"{name} does not accept the user and password"
        except ResponseError as error:
            if "cluster support disabled" in str(error):
                return f"{name} is no node of a cluster"
            return f"{name} refuses to tell of its cluster: its user needs +cluster|info and +cluster|slots"
        except (RedisError, OSError, ValueError, LookupError) as error:
            return f"{name} can't be asked: {type(error).__name__}"


def _view(asked: Host, info: Any, slots: Any) -> ClusterView:
    ranges: list[tuple[int, int, Host]] = []
    nodes: set[Host] = set()
    for first, last, *found in slots:
        primary, *replicas = (_host(asked, node) for node in found)
        ranges.append((int(first), int(last), primary))
        nodes |= {primary, *replicas}
    return ClusterView(
        info["cluster_state"] == "ok",
        int(info["cluster_current_epoch"]),
        tuple(sorted(ranges)),
        frozenset(nodes),
    )


def _host(asked: Host, told: Any) -> Host:
    """A node that does not know its own name is the one that was asked."""
    name = told[0].decode() if isinstance(told[0], bytes) else told[0]
    return (name or asked[0], int(told[1]))
