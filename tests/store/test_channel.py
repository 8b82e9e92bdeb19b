"""What is published is heard over a connection of its own, and what ends it is said."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.errors import StoreUnavailable
from gateway.store import parse_address
from gateway.store.channel import ChannelListener
from gateway.store.redis_errors import CommandRejected
from tests.conftest import Valkey
from tests.running import ROOT
from tests.store.stage import linked, until


class Ear:
    """Somebody who listens, and what came of it."""

    def __init__(self, url: str, channel: str, timeout: float = 1.0) -> None:
        self.heard: list[bytes] = []
        self.rejected: list[CommandRejected] = []
        self.ready = asyncio.Event()
        self.stays = True
        address = parse_address(url)
        listener = ChannelListener(
            address, address.ssl_context(), timeout=timeout, on_rejected=self.rejected.append
        )
        self.task = asyncio.create_task(
            listener.hear(channel, self.heard.append, self.ready.set, lambda: self.stays)
        )


@asynccontextmanager
async def listening(url: str, channel: str) -> AsyncIterator[Ear]:
    """Somebody who listens already, and has ended afterwards."""
    ear = Ear(url, channel)
    await asyncio.wait_for(ear.ready.wait(), 20)
    try:
        yield ear
    finally:
        ear.task.cancel()
        with suppress(asyncio.CancelledError, StoreUnavailable):
            await ear.task


async def hears(ear: Ear, url: str, channel: str) -> None:
    """All that is published from now on, and nothing else."""
    ear.heard.clear()
    async with linked(url) as link:
        await link.execute("PUBLISH", f"{channel}:other", "for others")
        for number in range(100):
            await link.execute("PUBLISH", channel, number)
    await until(lambda: len(ear.heard) >= 100)
    assert ear.heard == [b"%d" % number for number in range(100)]


async def test_everything_that_is_published_after_ready_is_heard(valkey: Valkey, prefix: str) -> None:
    async with listening(valkey.url, prefix) as ear:
        await hears(ear, valkey.url, prefix)


async def test_a_server_without_resp3_is_heard_too(prefix: str) -> None:
    old = Valkey("--rename-command", "HELLO", "", "--requirepass", "pw")
    old.start()
    url = f"unix://:pw@{old.path}"
    try:
        async with listening(url, prefix) as ear:
            await hears(ear, url, prefix)
            # It goes on after the question whether the server is there.
            await asyncio.wait({ear.task}, timeout=1.2)
            await hears(ear, url, prefix)
    finally:
        old.remove()


async def test_a_message_of_any_size_is_heard_whole(valkey: Valkey, prefix: str) -> None:
    async with listening(valkey.url, prefix) as ear:
        with valkey.client as client:
            client.publish(prefix, bytes(2_000_000))
        await until(lambda: ear.heard == [bytes(2_000_000)])


async def test_who_leaves_the_server_returns(valkey: Valkey, prefix: str) -> None:
    async with listening(valkey.url, prefix) as ear:
        ear.stays = False
        await asyncio.wait_for(ear.task, 20)
        with valkey.client as client:
            await until(lambda: client.pubsub_numsub(prefix)[0][1] == 0)


async def test_who_is_cancelled_leaves_no_connection(valkey: Valkey, prefix: str) -> None:
    async with listening(valkey.url, prefix):
        pass
    with valkey.client as client:
        await until(lambda: client.pubsub_numsub(prefix)[0][1] == 0)


async def test_a_lost_connection_is_said(valkey: Valkey, prefix: str) -> None:
    async with listening(valkey.url, prefix) as ear:
        with valkey.client as client:
            client.client_kill_filter(_type="pubsub")
        with pytest.raises(StoreUnavailable, match="closed the connection"):
            await asyncio.wait_for(ear.task, 20)


async def test_a_server_that_hangs_is_left(own_valkey: Valkey, prefix: str) -> None:
    async with listening(own_valkey.url, prefix) as ear:
        own_valkey.freeze()
        try:
            with pytest.raises(StoreUnavailable, match="gave no answer within 1 s"):
                await asyncio.wait_for(ear.task, 20)
        finally:
            own_valkey.thaw()


async def test_a_network_that_swallows_everything_is_no_server(prefix: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ear = Ear(f"redis://127.0.0.1:{silent.getsockname()[1]}", prefix, timeout=0.1)
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(ear.task, 20)
        assert not ear.ready.is_set()


async def test_where_nobody_listens_it_says_so(prefix: str) -> None:
    ear = Ear("redis://127.0.0.1:1", prefix)
    with pytest.raises(StoreUnavailable, match="can't be reached: ConnectionRefusedError"):
        await asyncio.wait_for(ear.task, 20)
    assert not ear.ready.is_set()


async def test_a_user_who_may_not_is_refused_by_the_name_of_the_command(
    own_valkey: Valkey, prefix: str
) -> None:
    with own_valkey.client as client:
        client.execute_command("ACL", "SETUSER", "deaf", "on", ">pw", "~*", "+@all", "-subscribe")
    ear = Ear(f"unix://deaf:pw@{own_valkey.path}", prefix)
    with pytest.raises(CommandRejected, match="may not run the command subscribe"):
        await asyncio.wait_for(ear.task, 20)
    assert [one.code for one in ear.rejected] == ["NOPERM"]
    assert not ear.ready.is_set()


def test_limits_listen_without_loading_redis_py(valkey: Valkey) -> None:
    program = """
import asyncio, sys
from gateway.store import RecordMac, Store

async def main():
    store = Store(sys.argv[1], "channel:", mac=RecordMac([bytes(32)]))
    await store.start()
    ready = asyncio.Event()
    task = asyncio.create_task(store.limits.listen(lambda *_: None, ready.set))
    await asyncio.wait_for(ready.wait(), 20)
    task.cancel()
    await asyncio.wait({task})
    await store.stop()

asyncio.run(main())
sys.exit("redis" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", program, valkey.url], check=True, cwd=ROOT)
