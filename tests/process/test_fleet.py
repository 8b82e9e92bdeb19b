"""Several workers, as a person sees them from outside."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp

from tests.process.conftest import Start, about, exists, small_config
from tests.running import Running

LIMIT = 20.0


async def until(condition: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    deadline = time.monotonic() + LIMIT
    while not await condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


async def metric(running: Running, name: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"{running.management}/metrics") as response:
        lines = (await response.text()).splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


async def test_it_is_ready_when_all_workers_are_and_says_so_once(start: Start) -> None:
    running = start(workers=2)
    lines = [line for line in running.lines if "ready on" in line]
    assert lines == [
        f"gatepost: ready on {running.http} (2 workers, store unix, management {running.management})"
    ]
    assert len(running.children()) == 2
    assert (await about(running))["pid"] in running.children()


async def test_sigterm_and_sigint_end_all_with_exit_0(start: Start) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        running = start(workers=2)
        workers = running.children()
        running.signal(number)
        assert await running.ended() == 0
        assert not any(exists(pid) for pid in workers)
        assert "Traceback" not in running.output


async def test_a_request_in_flight_is_finished(start: Start) -> None:
    running = start(workers=2)
    slow = asyncio.create_task(about(running, "/slow/1.0"))
    await asyncio.sleep(0.2)
    running.signal(signal.SIGTERM)
    assert await slow == {"version": "one"}
    assert await running.ended() == 0


async def test_what_never_ends_is_broken_off_when_drain_is_over(start: Start) -> None:
    running = start(workers=2, timeouts={"drain": 0.3})
    async with await running.connect() as connection:
        await connection.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        await connection.receive(body=False)
        running.signal(signal.SIGTERM)
        assert await running.ended(within=10) == 0
    assert running.found("1 connections were broken off")


async def test_a_killed_worker_is_replaced_and_the_others_go_on(start: Start) -> None:
    running = start(workers=2)
    victim, other = running.children()
    os.kill(victim, signal.SIGKILL)

    async def replaced() -> bool:
        assert (await about(running))["version"] == "one"
        return len(running.children()) == 2 and victim not in running.children()

    await until(replaced)
    assert other in running.children()
    await running.line("SIGKILL")


async def test_metrics_are_of_all_workers_also_of_those_that_have_ended(start: Start) -> None:
    running = start(workers=2)
    for _ in range(20):
        await about(running)

    async def counted() -> bool:
        return await metric(running, "gatepost_requests_total") == 20

    await until(counted)
    os.kill(running.children()[0], signal.SIGKILL)
    await running.line("SIGKILL")

    async def two_workers() -> bool:
        return await metric(running, "gatepost_workers ") == 2

    await until(two_workers)
    assert await metric(running, "gatepost_requests_total") == 20


async def test_sighup_renews_the_workers(start: Start, tmp_path: Path) -> None:
    running = start(workers=2)
    before = running.children()
    running.write(small_config(tmp_path / "0", version="two", workers=2))
    running.signal(signal.SIGHUP)
    await running.line("reloaded")

    async def renewed() -> bool:
        assert (await about(running))["version"] in ("one", "two")
        return len(running.children()) == 2 and not set(before) & set(running.children())

    await until(renewed)
    assert (await about(running))["version"] == "two"


async def test_a_reload_can_change_the_number_of_workers(start: Start, tmp_path: Path) -> None:
    running = start(workers=2)
    running.write(small_config(tmp_path / "0", workers=3))
    running.signal(signal.SIGHUP)

    async def three() -> bool:
        return len(running.children()) == 3 and await metric(running, "gatepost_workers ") == 3

    await until(three)


async def test_no_request_is_lost_in_a_reload(start: Start, tmp_path: Path) -> None:
    running = start(workers=2)
    slow = asyncio.create_task(about(running, "/slow/1.5"))
    stop = asyncio.Event()

    async def ask() -> set[str]:
        versions = set()
        while not stop.is_set():
            versions.add((await about(running))["version"])
        return versions

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    running.write(small_config(tmp_path / "0", version="two", workers=2))
    running.signal(signal.SIGHUP)
    await running.line("reloaded")
    assert await slow == {"version": "one"}
    stop.set()
    assert {"one", "two"} <= set[str]().union(*await asyncio.gather(*asking))


async def test_a_broken_file_leaves_the_workers_alone(start: Start) -> None:
    running = start(workers=2)
    before = running.children()
    running.write("server: [")
    running.signal(signal.SIGHUP)
    await running.line("not reloaded: first problem")
    await running.line("not reloaded: second problem")
    assert (await about(running))["version"] == "one"
    assert running.children() == before


async def test_a_configuration_that_does_not_start_leaves_the_old_workers_serving(
    start: Start, tmp_path: Path
) -> None:
    running = start(workers=2)
    before = running.children()
    running.write(small_config(tmp_path / "0", version="broken", workers=2))
    running.signal(signal.SIGHUP)
    await running.line("not reloaded: not start")

    async def only_the_old() -> bool:
        assert (await about(running))["version"] == "one"
        return running.children() == before

    await until(only_the_old)
    running.write(small_config(tmp_path / "0", version="two", workers=2))
    running.signal(signal.SIGHUP)
    await running.line("reloaded: ")
    assert (await about(running))["version"] in ("one", "two")


async def test_two_wishes_to_reload_at_once_end_in_the_last_file(start: Start, tmp_path: Path) -> None:
    running = start(workers=2)
    running.write(small_config(tmp_path / "0", version="two", workers=2))
    running.signal(signal.SIGHUP)
    await asyncio.sleep(0.1)
    running.write(small_config(tmp_path / "0", version="three", workers=2))
    running.signal(signal.SIGHUP)

    async def the_last() -> bool:
        return (await about(running))["version"] == "three" and len(running.children()) == 2

    await until(the_last)


async def test_a_configuration_that_does_not_start_at_first_ends_it_with_the_reason(start: Start) -> None:
    running = start(version="broken", workers=2, ready=False)
    assert await running.ended() == 1
    assert running.lines == ["gatepost: it does", "gatepost: not start"]


async def test_workers_end_when_their_supervisor_is_killed(start: Start) -> None:
    running = start(workers=2)
    workers = running.children()
    running.kill()

    async def gone() -> bool:
        return not any(exists(pid) for pid in workers)

    await until(gone)


async def test_nothing_is_left_in_the_directory_for_temporary_files(start: Start, tmp_path: Path) -> None:
    running = start(workers=2)
    running.stop()
    assert list((tmp_path / "tmp").iterdir()) == []
