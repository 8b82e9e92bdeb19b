import asyncio
from typing import Any

import pytest

from gateway.errors import StoreUnavailable
from gateway.store import RedisConnection
from gateway.store.redis_errors import CommandRejected
from gateway.store.resp_connection import RespConnection
from tests.bounds import BRIEF
from tests.conftest import Valkey
from tests.store.stage import linked, linked_to, relay, until


async def test_each_caller_gets_its_own_answer(link: RedisConnection) -> None:
    answers = await asyncio.gather(*(link.execute("ECHO", n) for n in range(2000)))

    assert answers == [str(n).encode() for n in range(2000)]


async def test_commands_of_concurrent_callers_leave_in_one_write(valkey: Valkey) -> None:
    async with relay(valkey) as passing, linked(f"redis://127.0.0.1:{passing.port}") as link:
        passing.chunks.clear()
        await asyncio.gather(*(link.execute("ECHO", n) for n in range(50)))

        assert len(passing.chunks) == 1


async def test_an_answer_whose_caller_has_gone_reaches_nobody_else(valkey: Valkey, prefix: str) -> None:
    async with linked(valkey.url) as link:
        gone = asyncio.create_task(link.execute("BLPOP", f"{prefix}list", 5))
        await asyncio.sleep(0)
        next_one = asyncio.create_task(link.execute("ECHO", "mine"))
        await asyncio.sleep(0)
        gone.cancel()
        with valkey.client as other:
            other.rpush(f"{prefix}list", "of the one who has gone")

        assert await next_one == b"mine"
        assert gone.cancelled()


async def test_callers_cancelled_at_random_leave_the_others_their_answers(link: RedisConnection) -> None:
    tasks = [asyncio.create_task(link.execute("ECHO", n)) for n in range(600)]
    for n, task in enumerate(tasks):
        if n % 3 == 0:
            task.cancel()
        if n % 50 == 0:
            await asyncio.sleep(0)

    done = await asyncio.gather(*tasks, return_exceptions=True)

    assert all(done[n] == str(n).encode() for n in range(600) if n % 3)


async def test_a_refused_command_harms_no_other(link: RedisConnection) -> None:
    commands = [("ECHO", 1), ("ECHO", "hidden", "too many"), ("ECHO", 2)]
    done = await asyncio.gather(*(link.execute(*words) for words in commands), return_exceptions=True)
    before, refused, after = done

    assert (before, after) == (b"1", b"2")
    assert isinstance(refused, CommandRejected)
    assert "wrong number of arguments" in refused.reason
    assert "hidden" not in refused.reason


async def test_what_a_decoder_raises_reaches_its_caller_alone(link: RedisConnection) -> None:
    def decode(reply: Any) -> Any:
        raise LookupError(reply)

    commands = [link.execute("ECHO", "a", decode=decode), link.execute("ECHO", "b")]
    wrong, right = await asyncio.gather(*commands, return_exceptions=True)

    assert isinstance(wrong, LookupError)
    assert right == b"b"


async def test_refuses_more_commands_than_it_may_keep_waiting(valkey: Valkey) -> None:
    async with linked(valkey.url, limit=10) as link:
        done = await asyncio.gather(*(link.execute("ECHO", n) for n in range(15)), return_exceptions=True)

        assert done[:10] == [str(n).encode() for n in range(10)]
        assert all(isinstance(error, StoreUnavailable) for error in done[10:])
        assert await link.execute("ECHO", "again") == b"again"


async def test_pushes_come_at_their_place_between_the_answers(valkey: Valkey, prefix: str) -> None:
    events: list[Any] = []

    class InvalidationListener:
        def on_tracking_on(self) -> None:
            events.append("up")

        def on_tracking_off(self) -> None:
            events.append("down")

        def on_invalidate(self, message: list[Any]) -> None:
            events.append(message)

    def note(reply: Any) -> None:
        events.append(reply)

    key = f"{prefix}k"
    async with linked(valkey.url, tracking=True, listener=InvalidationListener()) as link:
        await link.execute("SET", key, "old")
        await asyncio.gather(
            link.execute("GET", key, decode=note),
            link.execute("SET", key, "new"),
            link.execute("GET", key, decode=note),
        )

    assert events == ["up", b"old", [b"invalidate", [key.encode()]], b"new", "down"]


async def test_a_frozen_store_fails_every_command_in_time(own_valkey: Valkey) -> None:
    async with linked(own_valkey.url, timeout=0.2) as link:
        own_valkey.freeze()
        begun = asyncio.get_running_loop().time()
        done = await asyncio.gather(*(link.ping() for _ in range(100)), return_exceptions=True)
        took = asyncio.get_running_loop().time() - begun
        own_valkey.thaw()

        assert all(isinstance(error, StoreUnavailable) and "within 0.2 s" in error.reason for error in done)
        assert took < 10, "all wait at the same time"


async def test_steady_traffic_with_answers_in_time_is_never_taken_for_silence(valkey: Valkey) -> None:
    async with linked(valkey.url, timeout=BRIEF) as link:
        end = asyncio.get_running_loop().time() + 2 * BRIEF
        while asyncio.get_running_loop().time() < end:
            await asyncio.gather(link.ping(), asyncio.sleep(0.001))


async def test_a_busy_event_loop_is_not_taken_for_a_silent_store(valkey: Valkey) -> None:
    async with linked(valkey.url, timeout=0.2) as link:
        answer = asyncio.create_task(link.execute("ECHO", "there"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        end = loop.time() + 0.5
        while loop.time() < end:  # what a long computation does to the loop
            pass

        assert await answer == b"there"


async def test_an_answer_that_nobody_asked_for_ends_the_connection() -> None:
    async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"+OK\r\n" + b"+surprise\r\n")
        await reader.read()
        writer.close()

    async with linked_to(chatty) as link:
        with pytest.raises(StoreUnavailable):
            await link.ping()


async def test_a_refusal_before_the_first_command_says_why() -> None:
    async def full(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"-ERR max number of clients reached\r\n")
        writer.close()

    async with linked_to(full) as link:
        with pytest.raises(StoreUnavailable, match="HELLO: max number of clients reached"):
            await link.ping()


async def test_an_error_that_nobody_asked_for_is_read_before_the_loop_sends() -> None:
    lost: list[str] = []
    wire = RespConnection(timeout=1, limit=1, on_lost=lost.append)
    wire.data_received(b"-DENIED Redis is running in protected mode\r\n")
    assert lost == [
        "the store refused HELLO: its protected mode denies connections from other machines (DENIED)"
    ]


async def test_a_server_of_another_protocol_is_named(valkey: Valkey) -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with linked_to(web) as link:
        with pytest.raises(StoreUnavailable, match="not a Redis server"):
            await link.ping()


async def test_a_killed_store_fails_what_waits(own_valkey: Valkey, prefix: str) -> None:
    async with linked(own_valkey.url, timeout=30) as link:
        waiting = asyncio.create_task(link.execute("BLPOP", f"{prefix}list", 0))
        with own_valkey.client as other:
            await until(lambda: any(client["cmd"] == "blpop" for client in other.client_list()))
        own_valkey.kill()

        with pytest.raises(StoreUnavailable, match=r"closed the connection|broke"):
            await waiting
