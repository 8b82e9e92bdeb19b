"""The rights that a user of the server needs, by what they are for, and how to find out which are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.pool import StorePool, subscription
from gateway.store.redis_errors import CommandRejected
from gateway.store.resp_connection import Argument

KEY, CHANNEL = "<key>", "<channel>"
"""Stand for a key that holds nothing, and a channel that nobody listens to."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What needs rights of its own."""

    name: str
    purpose: str
    trials: Sequence[Sequence[Argument]]
    """A harmless use of each command that it needs. Rights are checked before anything else, so any other
    error than NOPERM means that the right is there.
    """

    @property
    def commands(self) -> list[str]:
        """The commands as ACL rules name them."""
        return [command_of(trial) for trial in self.trials]


def command_of(trial: Sequence[Argument]) -> str:
    """`get`, or `client|tracking`."""
    words = [str(word).lower() for word in trial]
    return f"{words[0]}|{words[1]}" if words[0] in ("client", "cluster") else words[0]


CORE = Feature(
    "core",
    "tokens, clients, users and keys",
    (
        ("PING",),
        ("EVAL", "return 1", 0),
        ("EVALSHA", "0" * 40, 0),
        ("GET", KEY),
        ("SET", KEY, "", "PX", 1),
        ("DEL", KEY),
        ("EXISTS", KEY),
        ("PTTL", KEY),
        ("PEXPIRE", KEY, 1),
        ("INCR", KEY),
        ("MGET", KEY),
        ("HGET", KEY, "f"),
        ("HMGET", KEY, "f"),
        ("HSET", KEY, "f", ""),
        ("HSETNX", KEY, "f", ""),
        ("HDEL", KEY, "f"),
        ("HEXISTS", KEY, "f"),
        ("HGETALL", KEY),
        ("HLEN", KEY),
        ("HSCAN", KEY, 0),
        ("LPUSH", KEY, ""),
        ("LLEN", KEY),
        ("RPOP", KEY),
        ("SADD", KEY, ""),
        ("SCARD", KEY),
    ),
)
CACHES = Feature(
    "caches",
    "caches in the workers: known tokens are judged without the store",
    (("CLIENT", "TRACKING", "ON"),),
)
MONITORING = Feature(
    "monitoring",
    "warnings of eviction and of clocks that differ; age of signing keys",
    (("INFO",), ("TIME",)),
)
LIMITS = Feature(
    "limits",
    "the plugins rate_limit, quota and concurrency",
    (
        ("HINCRBY", KEY, "f", 0),
        ("ZADD", KEY, 0, ""),
        ("ZCARD", KEY),
        ("ZREM", KEY, ""),
        ("ZREMRANGEBYSCORE", KEY, 0, 0),
        ("PUBLISH", CHANNEL, ""),
        ("SUBSCRIBE", CHANNEL),
    ),
)
PORTAL = Feature(
    "portal",
    "usage figures and last calls in the portal",
    (
        ("EXPIRE", KEY, 1),
        ("HINCRBY", KEY, "f", 0),
        ("XADD", KEY, "NOMKSTREAM", "*", "f", ""),
        ("XREVRANGE", KEY, "+", "-", "COUNT", 1),
    ),
)
DIAGNOSIS = Feature(
    "diagnosis",
    "`gatepost why`",
    (
        ("XADD", KEY, "NOMKSTREAM", "*", "f", ""),
        ("EXPIRE", KEY, 1),
        ("XREVRANGE", KEY, "+", "-", "COUNT", 1),
    ),
)
CLUSTER_NODES = Feature(
    "cluster",
    "finding and following the masters of a Redis Cluster",
    (("CLUSTER", "INFO"), ("CLUSTER", "SLOTS"), ("ASKING",), ("COMMAND",)),
)
REPLICAS = Feature("replicas", "`store.revoke_wait_replicas`", (("WAIT", 0, 0),))
FEATURES = (CORE, CACHES, MONITORING, LIMITS, PORTAL, DIAGNOSIS)
REQUIRED = frozenset({CORE.name, CLUSTER_NODES.name, REPLICAS.name})
"""Names of the features without which nothing, or no revocation, works where they are needed."""


def features_of(*, cluster: bool = False, replicas: int = 0) -> tuple[Feature, ...]:
    """What a store needs rights for. `replicas`: so many must have a revocation."""
    return (*FEATURES, *([CLUSTER_NODES] if cluster else []), *([REPLICAS] if replicas else []))


def acl_rules(prefix: str, features: Sequence[Feature] = FEATURES, *, database: bool = False) -> list[str]:
    """The rules of `ACL SETUSER` that grant exactly what the features need."""
    commands = dict.fromkeys(command for feature in features for command in feature.commands)
    select = ["+select"] if database else []
    channels = [f"&{prefix}*"] if LIMITS in features else []
    return [f"~{prefix}*", *channels, "-@all", *select, *(f"+{command}" for command in commands)]


async def missing_rights(
    link: StoreLink, pool: StorePool, names: KeyNames, features: Sequence[Feature] = FEATURES
) -> dict[str, list[str]]:
    """The commands that the user may not run, by feature. In a cluster one master is asked. Raises
    StoreUnavailable.
    """
    stand_ins = {KEY: names.probe("right", ""), CHANNEL: names.probe("channel", "")}
    missing: dict[str, list[str]] = {}
    for feature in features:
        for trial in feature.trials:
            words = [stand_ins.get(word, word) if isinstance(word, str) else word for word in trial]
            try:
                if trial[0] == "SUBSCRIBE":
                    await _subscribe(pool, stand_ins[CHANNEL])
                else:
                    await link.execute(*words)
            except CommandRejected as refusal:
                if refusal.code == "NOPERM":
                    missing.setdefault(feature.name, []).append(command_of(trial))
            # The next command needs the key to hold nothing of another kind.
            await _clear(link, stand_ins[KEY])
    return missing


async def _subscribe(pool: StorePool, channel: str) -> None:
    """As the limits do: on a connection of its own, where an answer is no push message."""
    with pool.client("a subscription") as redis:
        async with subscription(redis, channel) as heard:
            await heard.get_message(timeout=1.0)


async def _clear(link: StoreLink, key: str) -> None:
    try:
        await link.execute("DEL", key)
    except CommandRejected:
        return
