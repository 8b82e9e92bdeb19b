"""Real servers that stand together: a primary with replicas and Sentinels, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis.crc import key_slot

from tests.nodes import PATIENCE, Node, Tls, wait_for
from tests.ports import free_port

__all__ = ["PATIENCE", "ClusterSet", "Node", "SentinelSet", "Tls", "cluster_set", "sentinel_set", "wait_for"]


class SentinelSet:
    """A primary, a replica, and three Sentinels that watch them."""

    NAME = "mymaster"

    def __init__(
        self,
        password: str | None = None,
        sentinel_password: str | None = None,
        tls: Tls | None = None,
        down_after: float = 0.5,
    ) -> None:
        """`down_after`: seconds without an answer after which the Sentinels replace the primary."""
        secret: dict[str, object] = (
            {} if password is None else {"requirepass": password, "masterauth": password}
        )
        self.first = Node(dict(secret), tls=tls)
        self.second = Node({**secret, "replicaof": f"127.0.0.1 {self.first.port}"}, tls=tls)
        rules = [
            f"sentinel monitor {self.NAME} 127.0.0.1 {self.first.port} 2",
            f"sentinel down-after-milliseconds {self.NAME} {round(down_after * 1000)}",
            f"sentinel failover-timeout {self.NAME} 3000",
            *([] if password is None else [f"sentinel auth-pass {self.NAME} {password}"]),
        ]
        if sentinel_password is not None:
            rules += [f"requirepass {sentinel_password}", f"sentinel sentinel-pass {sentinel_password}"]
        self.sentinels = [Node(sentinel="\n".join(rules), tls=tls) for _ in range(3)]
        for sentinel in self.sentinels:
            sentinel.password = sentinel_password
            sentinel.sentinel = "\n".join([*rules, *self._known(sentinel)])
        self._password = password
        self._scheme = "redis" if tls is None else "rediss"

    def _known(self, sentinel: Node) -> list[str]:
        """What it would find out by itself within some seconds: the replica and the other Sentinels."""
        others = (one for one in self.sentinels if one is not sentinel)
        return [
            f"sentinel myid {sentinel.port:040d}",
            f"sentinel known-replica {self.NAME} 127.0.0.1 {self.second.port}",
            *(f"sentinel known-sentinel {self.NAME} 127.0.0.1 {one.port} {one.port:040d}" for one in others),
        ]

    @property
    def url(self) -> str:
        hosts = ",".join(sentinel.host for sentinel in self.sentinels)
        user = "" if self._password is None else f":{self._password}@"
        return f"{self._scheme}+sentinel://{user}{hosts}/{self.NAME}/0"

    @property
    def nodes(self) -> list[Node]:
        return [self.first, self.second, *self.sentinels]

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        wait_for(lambda: self.first.client.info("replication")["slave0"]["state"] == "online")
        wait_for(lambda: all(self._ready(sentinel) for sentinel in self.sentinels))

    def _ready(self, sentinel: Node) -> bool:
        """Whether it knows the replica and the other Sentinels, and so can promote."""
        with sentinel.client as client:
            state: Any = client.sentinel_master(self.NAME)
        return int(state["num-slaves"]) == 1 and int(state["num-other-sentinels"]) == len(self.sentinels) - 1

    def primary_port(self) -> int:
        """Whom a Sentinel names."""
        with self.sentinels[0].client as client:
            found: Any = client.sentinel_get_master_addr_by_name(self.NAME)
        return int(found[1])

    def kill_primary(self) -> None:
        """Kills it. The Sentinels promote the other server within some seconds."""
        self._serving().kill()

    def bring_back(self) -> None:
        """Waits until there is a primary, and makes the server that was killed its replica."""
        dead = next(node for node in (self.first, self.second) if not node.running)
        other = self.second if dead is self.first else self.first
        wait_for(lambda: other.client.info("replication")["role"] == "master")
        other.options.pop("replicaof", None)
        dead.options["replicaof"] = f"127.0.0.1 {other.port}"
        dead.start()
        wait_for(lambda: dead.client.info("replication").get("master_link_status") == "up")
        wait_for(lambda: all(self._sees(sentinel, other, dead) for sentinel in self.sentinels))

    def _serving(self) -> Node:
        """The primary, as a Sentinel names it."""
        return next(node for node in (self.first, self.second) if node.port == self.primary_port())

    def _sees(self, sentinel: Node, primary: Node, replica: Node) -> bool:
        """Whether it could promote the replica in the place of the primary."""
        with sentinel.client as client:
            state: Any = client.sentinel_master(self.NAME)
            replicas: Any = client.sentinel_slaves(self.NAME)
        usable = [one["port"] for one in replicas if one["flags"] == "slave"]
        return int(state["port"]) == primary.port and replica.port in usable

    def changes(self) -> int:
        """How often the primary was replaced."""
        with self.sentinels[0].client as client:
            state: Any = client.sentinel_master(self.NAME)
        return int(state["config-epoch"])

    def fail_over(self) -> None:
        """Asks for a failover, as an operator does."""
        with self.sentinels[0].client as client:
            client.execute_command("SENTINEL", "FAILOVER", self.NAME)

    def remove(self) -> None:
        for node in self.nodes:
            node.remove()


@contextmanager
def sentinel_set(
    *, tls: Tls | None = None, down_after: float = 0.5, **passwords: str
) -> Iterator[SentinelSet]:
    """Sentinels and servers that are gone in the end."""
    made = SentinelSet(**passwords, tls=tls, down_after=down_after)
    try:
        made.start()
        yield made
    finally:
        made.remove()


class ClusterSet:
    """Three masters and a replica of the first."""

    def __init__(
        self,
        replicas: int = 1,
        password: str | None = None,
        tls: Tls | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        """`address`: where the nodes say that they are reached; they are at 127.0.0.1 too."""
        self._tls, self._address = tls, address
        self._secret: dict[str, object] = {}
        if password is not None:
            self._secret = {"requirepass": password, "masterauth": password}
        self._password = password
        self.masters = [self.node() for _ in range(3)]
        self.replicas = [self.node() for _ in range(replicas)]

    def node(self) -> Node:
        """A node that is not part of the cluster yet."""
        return Node(
            {
                **self._secret,
                "bind": " ".join(dict.fromkeys(("127.0.0.1", self._address))),
                "cluster-announce-ip": self._address,
                "cluster-enabled": "yes",
                "cluster-config-file": "nodes.conf",
                "cluster-node-timeout": 2000,
                "cluster-port": free_port(),
                "cluster-replica-validity-factor": 0,
                # A master whose last slot has moved away stays one.
                "cluster-allow-replica-migration": "no",
            },
            tls=self._tls,
        )

    @property
    def url(self) -> str:
        hosts = ",".join(f"{self._address}:{master.port}" for master in self.masters[:2])
        user = "" if self._password is None else f":{self._password}@"
        return f"{'redis' if self._tls is None else 'rediss'}+cluster://{user}{hosts}"

    @property
    def nodes(self) -> list[Node]:
        return [*self.masters, *self.replicas]

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        share = 16_384 // len(self.masters)
        for index, master in enumerate(self.masters):
            last = 16_383 if index == len(self.masters) - 1 else (index + 1) * share - 1
            with master.client as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", index * share, last)
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        for node in self.nodes[1:]:
            self.meet(node)
        wait_for(self.all_known)
        for index, replica in enumerate(self.replicas):
            self.follow(replica, self.masters[index])
        wait_for(lambda: all(self.state(node) == "ok" for node in self.nodes))

    def meet(self, node: Node) -> None:
        with self.masters[0].client as client:
            port = node.options["cluster-port"]
            client.execute_command("CLUSTER", "MEET", self._address, node.port, port)

    def join(self) -> Node:
        """A new node without slots."""
        node = self.node()
        self.replicas.append(node)
        node.start()
        self.meet(node)
        wait_for(self.all_known)
        wait_for(lambda: self.state(node) == "ok")
        return node

    def follow(self, replica: Node, master: Node) -> None:
        """Makes a node a replica, and waits until it has everything."""
        with replica.client as client:
            client.execute_command("CLUSTER", "REPLICATE", self.id_of(master))
        wait_for(lambda: replica.client.info("replication").get("master_link_status") == "up")

    def all_known(self) -> bool:
        """Whether every node knows every other one."""
        return all(len(self.known(node)) == len(self.nodes) for node in self.nodes)

    def id_of(self, node: Node) -> str:
        with node.client as client:
            return _text(client.execute_command("CLUSTER MYID"))

    def known(self, node: Node) -> dict[str, Any]:
        with node.client as client:
            return dict(client.execute_command("CLUSTER NODES"))

    def state(self, node: Node) -> str:
        with node.client as client:
            return str(client.execute_command("CLUSTER INFO")["cluster_state"])

    def role(self, node: Node) -> str:
        with node.client as client:
            return str(client.info("replication")["role"])

    def replica(self) -> Node:
        """One that follows a master. On a machine that stands still a replica may take its master's place."""
        return next(node for node in self.nodes if self.role(node) == "slave")

    def owner(self, slot: int) -> Node:
        """The master that has a slot, as the second node knows it."""
        with self.masters[1].client as client:
            ranges = client.execute_command("CLUSTER SLOTS")
        port = next(primary[1] for first, last, primary, *_ in ranges if first <= slot <= last)
        return next(node for node in self.nodes if node.port == port)

    def owner_of(self, key: str) -> Node:
        """The master that has a key."""
        return self.owner(key_slot(key.encode()))

    def move_slot(self, slot: int, target: Node, *, between: Callable[[], None] = lambda: None) -> None:
        """Moves a slot with its keys, one by one, as `redis-cli --cluster reshard` does."""
        source = self.owner(slot)
        self.begin_to_move(slot, target)
        with source.client as old, target.client as new:
            while keys := old.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 10):
                between()
                self.migrate(source, target, *keys)
            for client in (new, old):
                client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", self.id_of(target))

    def begin_to_move(self, slot: int, target: Node) -> None:
        """From now on the slot's keys may be at its master or at the target."""
        source = self.owner(slot)
        with source.client as old, target.client as new:
            new.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
            old.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(target))

    def migrate(self, source: Node, target: Node, *keys: str | bytes) -> None:
        """Moves keys of a slot that is being moved."""
        secret = () if self._password is None else ("AUTH", self._password)
        with source.client as old:
            old.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, *secret, "KEYS", *keys)

    def remove(self) -> None:
        for node in self.nodes:
            node.remove()


@contextmanager
def cluster_set(
    replicas: int = 1, password: str | None = None, tls: Tls | None = None, address: str = "127.0.0.1"
) -> Iterator[ClusterSet]:
    """A cluster that is gone in the end."""
    made = ClusterSet(replicas, password, tls, address)
    try:
        made.start()
        yield made
    finally:
        made.remove()


def _text(word: Any) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)
