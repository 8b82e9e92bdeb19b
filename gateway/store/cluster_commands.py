"""Which key of a command decides where it goes in a Redis Cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from redis.crc import key_slot

from gateway.store.redis_connection import RedisConnection
from gateway.store.resp_connection import Argument, Decode
from gateway.store.script import Script

KEYLESS = frozenset(
    {
        *("PING", "HELLO", "INFO", "TIME", "CLIENT", "PUBLISH", "SUBSCRIBE", "CONFIG", "ACL"),
        *("CLUSTER", "COMMAND", "ASKING", "WAIT"),
    }
)
SCRIPTS = frozenset({"EVAL", "EVALSHA"})


def key_of(args: Sequence[Argument]) -> Argument | None:
    """The first key of a command; None where it has none."""
    name = str(args[0]).upper()
    if name in SCRIPTS:
        return args[3] if int(args[2]) else None
    return None if name in KEYLESS else args[1]


def slot_of(key: Argument) -> int:
    """The slot of a key."""
    return key_slot(key if isinstance(key, bytes) else str(key).encode("utf-8", "surrogatepass"))


class PreparingCommands:
    """Sends commands to masters that nothing else uses yet."""

    def __init__(self, link_for: Callable[[Sequence[Argument]], RedisConnection]) -> None:
        self._link_for = link_for

    async def execute(self, *args: Argument, decode: Decode | None = None) -> Any:
        """Runs one command."""
        return await self._link_for(args).execute(*args, decode=decode)

    def script(
        self, script: Script, keys: Sequence[Argument], args: Sequence[Argument], decode: Decode | None = None
    ) -> asyncio.Future[Any]:
        """Runs a script in one step."""
        return self._link_for(("EVAL", "", len(keys), *keys)).script(script, keys, args, decode)
