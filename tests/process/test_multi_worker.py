"""Several workers, as a person sees them from outside."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gateway.telemetry.snapshot import Snapshot
from tests.compiled import IN_THE_READY_LINE
from tests.process.conftest import PROGRAM, Start, about, exists, held, metric, reload, small_config
from tests.running import START_LIMIT, Running

LIMIT = 20.0


@pytest.fixture(scope="module")
def running(start_for_all: Start) -> Running:
    """One for all tests that leave two workers serving."""
    return start_for_all(workers=2)


def config(running: Running, **changes: Any) -> dict[str, Any]:
    return small_config(running.file.parent, **{"workers": 2, **changes})


async def until(condition: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    deadline = time.monotonic() + LIMIT
    while not await condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


async def only(running: Running, version: str, workers: int = 2) -> list[int]:
    """Waits until the old workers are gone and new ones answer. They are returned."""

    async def so() -> bool:
        return len(running.children()) == workers and (await about(running))["version"] == version

    await until(so)
    return running.children()


def published_by(running: Running, version: str) -> float:
    """What the workers alive have left in their directory, as requests to that version."""
    files = (running.file.parents[1] / "tmp").glob("gatepost-*/[0-9]*.json")
    snapshots = [Snapshot.from_json(file.read_text()) for file in files]
    return sum(snapshot.counts["requests"].get((version, "GET", 200), 0) for snapshot in snapshots)


async def test_it_is_ready_when_all_workers_are_and_says_so_once(running: Running) -> None:
    lines = [line for line in running.lines if "ready on" in line]
    details = f"2 workers, {IN_THE_READY_LINE}store unix, management {running.management}"
    assert lines == [f"gatepost: ready on {running.http} ({details})"]
    assert len(running.children()) == 2
    assert (await about(running))["pid"] in running.children()


async def test_a_killed_worker_is_replaced_and_the_others_go_on(running: Running) -> None:
    victim, other = running.children()
    running.lines.clear()
    os.kill(victim, signal.SIGKILL)

    async def replaced() -> bool:
        assert (await about(running))["pid"] != victim
        return len(running.children()) == 2 and victim not in running.children()

    await until(replaced)
    assert other in running.children()
    await running.line("SIGKILL")


async def test_a_worker_that_is_replaced_serves_what_was_loaded_not_what_is_half_written(
    running: Running,
) -> None:
    await reload(running, config(running, version="loaded"))
    before = await only(running, "loaded")
    try:
        for text in ("server: [", "", "server: {workers: 2}"):
            running.write(text)
            os.kill(running.children()[0], signal.SIGKILL)

            async def replaced(dead: frozenset[int] = frozenset(before)) -> bool:
                alive = running.children()
                return (
                    len(alive) == 2
                    and (await metric(running, "gatepost_workers ")) == 2
                    and set(alive) != dead
                )

            await until(replaced)
            before = running.children()
            assert {(await about(running))["version"] for _ in range(10)} == {"loaded"}
    finally:
        running.write(config(running, version="loaded"))


async def test_metrics_are_of_all_workers_also_of_those_that_have_ended(running: Running) -> None:
    await reload(running, config(running, version="counted"))
    await only(running, "counted")
    asked = 'gatepost_requests_total{method="GET",route="counted",'
    for _ in range(20):
        await about(running)

    async def published() -> bool:
        # What a worker has not yet left for the others is lost when it is killed.
        return published_by(running, "counted") == await metric(running, asked) >= 20

    await until(published)
    number = await metric(running, asked)
    running.lines.clear()
    os.kill(running.children()[0], signal.SIGKILL)
    await running.line("SIGKILL")

    async def two_workers() -> bool:
        return await metric(running, "gatepost_workers ") == 2

    await until(two_workers)
    assert await metric(running, asked) == number


async def test_sighup_renews_the_workers_and_loses_no_request(running: Running) -> None:
    before = await only(running, (await about(running))["version"])
    old = (await about(running))["version"]
    versions, stop = set[str](), asyncio.Event()

    async def ask() -> None:
        while not stop.is_set():
            versions.add((await about(running))["version"])

    async def seen(version: str) -> bool:
        return version in versions

    async with held(running) as slow:
        asking = [asyncio.create_task(ask()) for _ in range(4)]
        await until(lambda: seen(old))
        await reload(running, config(running, version="renewed"))
        assert await slow.finish() == {"version": old}
        await until(lambda: seen("renewed"))
    stop.set()
    await asyncio.gather(*asking)
    assert versions == {old, "renewed"}
    assert not set(before) & set(await only(running, "renewed"))


async def test_a_reload_can_change_the_number_of_workers(running: Running) -> None:
    for workers in (3, 2):
        await reload(running, config(running, workers=workers, version=f"with-{workers}"))
        assert len(await only(running, f"with-{workers}", workers)) == workers


async def test_new_workers_log_as_the_new_configuration_says(running: Running) -> None:
    changed = config(running, version="talkative")
    changed["logging"]["level"] = "debug"
    await reload(running, changed)
    await running.line("debug small: started talkative")
    await only(running, "talkative")


async def test_a_broken_file_leaves_the_workers_alone(running: Running) -> None:
    version = (await about(running))["version"]
    before = await only(running, version)
    await reload(running, "server: [")
    await running.line("configuration not reloaded: first problem")
    await running.line("configuration not reloaded: second problem")
    assert await only(running, version) == before


async def test_a_configuration_that_does_not_start_leaves_the_old_workers_serving(running: Running) -> None:
    await reload(running, config(running, version="good"))
    before = await only(running, "good")
    await reload(running, config(running, version="broken"))
    await running.line("configuration not reloaded: not start")
    assert await only(running, "good") == before


async def test_a_mistake_in_the_program_does_not_end_what_serves(running: Running) -> None:
    await reload(running, config(running, version="good"))
    before = await only(running, "good")
    await reload(running, config(running, version="buggy"))
    assert await only(running, "good") == before
    running.lines.clear()  # the traceback is as it should be


async def test_two_wishes_to_reload_at_once_end_in_the_last_file(running: Running) -> None:
    running.write(config(running, version="two"))
    running.signal(signal.SIGHUP)
    await asyncio.sleep(0.1)
    running.write(config(running, version="three"))
    running.signal(signal.SIGHUP)
    await only(running, "three")


async def test_sigterm_and_sigint_end_all_and_leave_nothing_behind(start: Start, tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        running = start(workers=2)
        workers = running.children()
        running.signal(number)
        assert await running.ended() == 0
        assert not any(exists(pid) for pid in workers)
        assert "Traceback" not in running.output
    assert list((tmp_path / "tmp").iterdir()) == []


async def test_at_the_end_requests_are_finished_and_what_never_ends_is_broken_off(start: Start) -> None:
    running = start(workers=2, timeouts={"drain": 4.0})
    async with await running.connect() as endless:
        await endless.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        await endless.receive(body=False)
        async with held(running) as slow:
            running.signal(signal.SIGTERM)
            assert await slow.finish() == {"version": "one"}
        assert await running.ended() == 0
    assert running.found("shutdown timed out: 1 connections closed")


async def test_a_configuration_that_does_not_start_at_first_ends_it_with_the_reason(start: Start) -> None:
    running = start(version="broken", workers=2, ready=False)
    assert await running.ended(within=START_LIMIT) == 1
    assert running.lines == ["gatepost: it does", "gatepost: not start"]


async def test_workers_end_when_their_supervisor_is_killed(start: Start) -> None:
    running = start(workers=2)
    workers = running.children()
    running.kill()

    async def gone() -> bool:
        return not any(exists(pid) for pid in workers)

    await until(gone)


def test_workers_share_the_event_loops_library(tmp_path: Path) -> None:
    """What a worker imports after the fork takes memory in each."""
    config = small_config(tmp_path, workers=2)
    running = Running(config, tmp_path, program=PROGRAM, PYTHONPROFILEIMPORTTIME="1")
    try:
        running.await_ready()
        imports = [line for line in running.lines if line.startswith("import time:")]
    finally:
        running.stop()
    assert sum(line.endswith(" uvloop.loop") for line in imports) == 1
