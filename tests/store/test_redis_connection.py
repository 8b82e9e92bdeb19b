import asyncio
import logging
from typing import Any

import pytest
import uvloop

from gateway.errors import StoreUnavailable
from gateway.store import RedisConnection, Script, parse_address
from gateway.store.invalidation import NullInvalidation
from gateway.store.redis_errors import CommandRejected
from tests.bounds import mostly_within
from tests.conftest import Valkey
from tests.ports import free_port
from tests.store.stage import answers, linked, until

ADD = Script("add", "return redis.call('INCRBY', KEYS[1], ARGV[1])")


async def test_a_script_runs_by_its_digest_once_the_server_knows_it(own_valkey: Valkey, prefix: str) -> None:
    async with linked(own_valkey.url) as link:
        sums = [await link.script(ADD, [f"{prefix}n"], [2]) for _ in range(3)]
        with own_valkey.client as other:
            stats = other.info("commandstats")
            other.script_flush()
        again = await link.script(ADD, [f"{prefix}n"], [2])

    assert sums == [2, 4, 6]
    assert (stats["cmdstat_eval"]["calls"], stats["cmdstat_evalsha"]["calls"]) == (1, 3)
    assert again == 8


async def test_a_script_that_fails_says_which(link: RedisConnection, prefix: str) -> None:
    await link.execute("SET", f"{prefix}n", "no number")

    with pytest.raises(CommandRejected, match="refused add"):
        await link.script(ADD, [f"{prefix}n"], [2])


async def test_fails_at_once_while_the_store_is_away_and_heals_within_a_second(own_valkey: Valkey) -> None:
    async with linked(own_valkey.url) as link:
        assert link.connected

        async def seconds_to_heal() -> float:
            own_valkey.kill()
            await until(lambda: not link.connected)
            for _ in range(100):
                with pytest.raises(StoreUnavailable):
                    await link.ping()
            await asyncio.sleep(0.6)  # long enough for the pauses between attempts to have grown
            own_valkey.start()
            return await until(lambda: answers(link))

        await mostly_within(1, seconds_to_heal, good=1, of=4)


async def test_heals_when_a_frozen_store_goes_on(own_valkey: Valkey) -> None:
    async with linked(own_valkey.url, timeout=0.3) as link:

        async def seconds_to_heal() -> float:
            own_valkey.freeze()
            for _ in range(2):
                with pytest.raises(StoreUnavailable):
                    await link.ping()
            own_valkey.thaw()
            return await until(lambda: answers(link))

        await mostly_within(1, seconds_to_heal, good=1, of=4)


async def test_a_full_store_refuses_writes_and_answers_reads(own_valkey: Valkey, prefix: str) -> None:
    async with linked(own_valkey.url) as link:
        await link.execute("SET", f"{prefix}k", "kept")
        with own_valkey.client as other:
            other.config_set("maxmemory", 1)
            with pytest.raises(StoreUnavailable, match="memory is full"):
                await link.execute("SET", f"{prefix}k", "more")
            with pytest.raises(StoreUnavailable, match="memory is full"):
                await link.script(ADD, [f"{prefix}n"], [1])
            assert await link.execute("GET", f"{prefix}k") == b"kept"
            other.config_set("maxmemory", 0)

        await link.execute("SET", f"{prefix}k", "more")


async def test_a_replica_refuses(own_valkey: Valkey, prefix: str) -> None:
    with own_valkey.client as other:
        other.replicaof("127.0.0.1", 1)
        async with linked(own_valkey.url, timeout=0.2) as link:
            with pytest.raises(StoreUnavailable, match="read-only replica"):
                await link.execute("GET", f"{prefix}k")
            other.replicaof("NO", "ONE")
            await until(lambda: answers(link))


async def test_a_primary_that_becomes_a_replica_is_left_at_the_first_refused_write(
    own_valkey: Valkey, prefix: str
) -> None:
    async with linked(own_valkey.url) as link:
        with own_valkey.client as other:
            other.replicaof("127.0.0.1", 1)
            assert await link.execute("GET", f"{prefix}k") is None
            with pytest.raises(StoreUnavailable, match="read-only replica"):
                await link.execute("SET", f"{prefix}k", 1)
            assert not link.connected
            with pytest.raises(StoreUnavailable):
                await link.execute("GET", f"{prefix}k")


async def test_starts_without_a_store_and_finds_it_later(own_valkey: Valkey) -> None:
    async def seconds_to_be_found() -> float:
        own_valkey.kill()
        async with linked(own_valkey.url, timeout=0.2) as link:
            assert not link.connected
            with pytest.raises(StoreUnavailable, match="can't be reached"):
                await link.ping()
            own_valkey.start()
            return await until(lambda: answers(link))

    await mostly_within(1, seconds_to_be_found, good=1, of=4)


async def test_says_once_that_the_store_is_lost_and_once_that_it_is_back(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.store")
    async with linked(own_valkey.url) as link:
        own_valkey.kill()
        (own_valkey.path).unlink()
        await asyncio.sleep(0.3)
        own_valkey.start()
        await until(lambda: answers(link))

    words = [record.getMessage().partition(": ")[2] for record in caplog.records]
    assert words[0] == "connected"
    assert words[-1] == "connected"
    assert len(words) == len(set(words)) + 1


async def test_reasons_that_take_turns_are_one_line_each(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    busy = f"127.0.0.1:{free_port()}"
    async with await asyncio.start_server(_closes, "127.0.0.1", 0) as server:
        closing = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with linked(f"redis://{busy},{closing}", timeout=0.2) as link:
            seen: list[str] = []
            async with asyncio.timeout(30):
                while len(seen) < 6:
                    await asyncio.sleep(0.01)
                    seen += [link.reason] if seen[-1:] != [link.reason] else []
    words = [record.getMessage() for record in caplog.records]
    assert len(words) == len(set(words)) == 2


async def _closes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_tells_its_observer_of_every_command(own_valkey: Valkey, prefix: str) -> None:
    seen: list[tuple[str, bool]] = []

    def observe(name: str, seconds: float, failed: bool) -> None:
        assert 0 <= seconds < 5
        seen.append((name, failed))

    async with linked(own_valkey.url, observer=observe) as link:
        await link.script(ADD, [f"{prefix}n"], [1])
        with pytest.raises(StoreUnavailable):
            await link.execute("ECHO")
        own_valkey.kill()
        await until(lambda: not link.connected)
        with pytest.raises(StoreUnavailable):
            await link.ping()

    assert [item for item in seen if item[0] not in ("HELLO", "TIME")] == [
        ("add", False),
        ("add", False),
        ("ECHO", True),
        ("PING", True),
    ]


async def test_stops_while_the_store_hangs(own_valkey: Valkey) -> None:
    own_valkey.freeze()
    async with linked(own_valkey.url, timeout=0.1):
        pass
    own_valkey.thaw()


async def test_fails_before_it_is_started_and_after_it_is_stopped(valkey: Valkey) -> None:
    link = RedisConnection(parse_address(valkey.url))
    with pytest.raises(StoreUnavailable, match="not connected yet"):
        await link.ping()
    await link.start()
    await link.ping()
    await link.stop()
    with pytest.raises(StoreUnavailable, match="stopping"):
        await link.ping()


def test_works_under_uvloop(own_valkey: Valkey) -> None:
    async def run() -> list[bytes]:
        async with linked(own_valkey.url, timeout=0.5) as link:
            found = await asyncio.gather(*(link.execute("ECHO", n) for n in range(100)))
            own_valkey.freeze()
            with pytest.raises(StoreUnavailable, match="within"):
                await link.ping()
            own_valkey.thaw()
            await until(lambda: answers(link))
            return found

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(run()) == [str(n).encode() for n in range(100)]


async def test_what_is_watched_and_unchanged_costs_no_further_question(valkey: Valkey, prefix: str) -> None:
    asked: list[str] = []
    pushed: list[list[bytes]] = []

    class Hearing(NullInvalidation):
        def on_invalidate(self, message: list[Any]) -> None:
            pushed.append(message[1])

    key = f"{prefix}k"
    observe = lambda name, _, __: asked.append(name)  # noqa: E731 (it is said in one line)
    async with linked(valkey.url, tracking=True, listener=Hearing(), observer=observe) as link:
        with valkey.client as other:
            other.set(key, "1")
            for _ in range(3):
                link.watch(key, b"1")
            await link.ping()
            assert (asked.count("GET"), pushed) == (1, [])

            other.set(key, "2")
            await until(lambda: pushed == [[key.encode()]])
            # It is told once: whoever goes on must watch again.
            link.watch(key, b"2")
            await link.ping()
            assert (asked.count("GET"), len(pushed)) == (2, 1)

            # It holds something else than what was read.
            link.watch(key, b"3")
            await until(lambda: len(pushed) == 2)
            assert asked.count("GET") == 3
            link.watch(key, b"2")
            await link.ping()
            assert (asked.count("GET"), len(pushed)) == (4, 2)
