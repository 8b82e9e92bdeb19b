import asyncio
from typing import Any

import pytest

from gateway.store import RedisConnection, parse_address
from gateway.store import invalidation as listening
from gateway.store.redis_errors import CommandRejected
from tests.bounds import mostly_within
from tests.conftest import Valkey
from tests.store.stage import linked, until


class Ear:
    """Notes what it hears. Empty at first, and so false, as a cache may be."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def __len__(self) -> int:
        return 0

    def on_tracking_on(self) -> None:
        self.heard.append("up")

    def on_tracking_off(self) -> None:
        self.heard.append("down")

    def on_invalidate(self, message: list[Any]) -> None:
        self.heard.append(message)


async def set_elsewhere(server: Valkey, key: str, value: str) -> None:
    with server.client as other:
        await asyncio.to_thread(other.set, key, value)


async def test_hears_of_changes_by_others_while_the_connection_stands(own_valkey: Valkey) -> None:
    ear = Ear()
    async with linked(own_valkey.url, tracking=True, listener=ear) as link:
        await link.execute("GET", "k")
        await set_elsewhere(own_valkey, "k", "new")
        await until(lambda: len(ear.heard) == 2)
        own_valkey.kill()
        await until(lambda: not link.connected)
        own_valkey.start()
        await until(lambda: link.connected)

    assert ear.heard == ["up", [b"invalidate", [b"k"]], "down", "up", "down"]


async def test_is_down_within_a_second_while_the_server_is_silent(own_valkey: Valkey) -> None:
    ear = Ear()
    async with linked(own_valkey.url, timeout=30, tracking=True, listener=ear) as link:
        await link.execute("GET", "k")
        own_valkey.freeze()
        taken = await until(lambda: "down" in ear.heard)
        assert link.connected
        own_valkey.thaw()
        await until(lambda: ear.heard[-1] == "up")

        async def seconds_to_be_down() -> float:
            own_valkey.freeze()
            taken = await until(lambda: ear.heard[-1] == "down")
            own_valkey.thaw()
            await until(lambda: ear.heard[-1] == "up")
            return taken

        if taken >= 1:  # the machine may have been busy just then
            await mostly_within(1, seconds_to_be_down)
        await asyncio.sleep(2 * listening.BEAT)

    assert ear.heard == ["up", "down"] * (len(ear.heard) // 2)


async def test_a_server_that_can_not_write_to_its_disk_is_not_silent(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    ear = Ear()
    (own_valkey.folder / "dump.rdb" / "in-the-way").mkdir(parents=True)
    with own_valkey.client as other:
        other.config_set("save", "3600 1")
        other.bgsave()
        await until(lambda: other.info("persistence")["rdb_last_bgsave_status"] == "err")
    async with linked(own_valkey.url, tracking=True, listener=ear) as link:
        with pytest.raises(CommandRejected, match="MISCONF"):
            await link.ping()
        await asyncio.sleep(2 * listening.BEAT + listening.SILENCE)
    assert ear.heard == ["up", "down"], "until it is left"
    assert "silent" not in caplog.text


async def test_a_lost_connection_is_not_called_silent(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    ear = Ear()
    async with linked(own_valkey.url, tracking=True, listener=ear) as link:
        own_valkey.freeze()
        # The question is under way when the connection breaks.
        await asyncio.sleep(listening.BEAT)
        own_valkey.kill()
        await until(lambda: not link.connected)
        own_valkey.start()
        await until(lambda: ear.heard[-1] == "up")
    assert "silent" not in caplog.text


async def test_a_link_with_no_room_for_the_question_is_taken_for_silent(
    valkey: Valkey, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "BEAT", 0.02)
    ear = Ear()
    async with linked(valkey.url, limit=3, tracking=True, listener=ear) as link:
        waiting = asyncio.create_task(link.execute("BLPOP", f"{prefix}list", 5))
        await asyncio.sleep(0)
        more = asyncio.gather(link.ping(), link.ping())
        await until(lambda: "down" in ear.heard)
        with valkey.client as other:
            await asyncio.to_thread(other.rpush, f"{prefix}list", "x")
        await asyncio.gather(waiting, more)
        await until(lambda: ear.heard[-1] == "up")
        assert link.connected


async def test_a_watched_key_is_reported_now_or_when_it_changes(valkey: Valkey, prefix: str) -> None:
    ear = Ear()
    key = f"{prefix}k"
    told = [b"invalidate", [key.encode()]]
    async with linked(valkey.url, tracking=True, listener=ear) as link:
        await link.execute("SET", key, "as it was")
        link.watch(key, b"as it was")
        await link.ping()
        assert told not in ear.heard
        await set_elsewhere(valkey, key, "changed")
        await until(lambda: ear.heard.count(told) == 1)
        link.watch(key, b"as it was")
        await until(lambda: ear.heard.count(told) == 2)


async def test_a_key_that_can_not_be_watched_counts_as_changed(valkey: Valkey, prefix: str) -> None:
    ear = Ear()
    key = f"{prefix}k"
    async with linked(valkey.url, tracking=True, listener=ear) as link:
        await link.execute("LPUSH", key, "not a text")
        link.watch(key, b"x")
        await until(lambda: [b"invalidate", [key.encode()]] in ear.heard)
        link.watch(key, b"y")
    # The connection is lost before the answer.
    await until(lambda: ear.heard.count([b"invalidate", [key.encode()]]) == 2)


async def test_without_a_connection_it_counts_as_changed_at_once(valkey: Valkey) -> None:
    ear = Ear()
    RedisConnection(parse_address(valkey.url), listener=ear).watch("k", b"v")

    assert ear.heard == [[b"invalidate", [b"k"]]]
