"""One worker: ready, reloaded, stopped, as a person sees it from outside."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.compiled import IN_THE_READY_LINE
from tests.process.conftest import Start, about, held, metric, reload, small_config
from tests.raw import LIMIT
from tests.running import START_LIMIT, Running


@pytest.fixture(scope="module")
def running(start_for_all: Start) -> Running:
    """One for all tests that leave it serving. Its configuration is whatever the last one left."""
    return start_for_all()


def config(running: Running, **changes: Any) -> dict[str, Any]:
    return small_config(running.file.parent, **changes)


def test_it_says_once_when_it_is_ready_and_where(running: Running) -> None:
    (line,) = [line for line in running.lines if "ready on" in line]
    details = f"1 worker, {IN_THE_READY_LINE}store unix, management {running.management}"
    assert line == f"gatepost: ready on {running.http} ({details})"


async def test_it_runs_in_the_process_that_was_started(running: Running) -> None:
    assert (await about(running))["pid"] == running.pid
    assert running.children() == []


async def test_sighup_takes_over_a_changed_file(running: Running) -> None:
    before = await metric(running, "gatepost_requests_total")
    assert "the new configuration is active" in await reload(running, config(running, version="two"))
    assert (await about(running))["version"] == "two"
    assert (await about(running))["pid"] == running.pid
    assert await metric(running, "gatepost_requests_total") == before + 2, "counts outlive a reload"


async def test_a_new_configuration_is_built_beside_requests(running: Running) -> None:
    await reload(running, config(running, version="two"))
    assert (await about(running))["beside"], "the event loop goes on meanwhile"


async def test_a_request_in_flight_outlives_a_reload(running: Running) -> None:
    await reload(running, config(running, version="old"))
    async with held(running) as slow:
        await reload(running, config(running, version="new"))
        assert (await about(running))["version"] == "new", "the new one serves while the old one finishes"
        assert await slow.finish() == {"version": "old"}


async def test_no_request_is_lost_in_many_reloads(running: Running) -> None:
    stop = asyncio.Event()

    async def ask() -> set[str]:
        versions, last = set(), False
        while not last:
            last = stop.is_set()
            versions.add((await about(running))["version"])
        return versions

    await reload(running, config(running, version="first"))
    asking = [asyncio.create_task(ask()) for _ in range(4)]
    for version in ("second", "third", "last"):
        await reload(running, config(running, version=version))
    stop.set()
    assert "last" in set[str]().union(*await asyncio.gather(*asking))


async def test_a_broken_file_is_reported_a_problem_a_line_and_the_old_one_goes_on(running: Running) -> None:
    await reload(running, config(running, version="good"))
    await reload(running, "server: [")
    await running.line("not reloaded: first problem")
    await running.line("not reloaded: second problem")
    assert (await about(running))["version"] == "good"


async def test_a_configuration_that_does_not_start_leaves_the_old_one_serving(running: Running) -> None:
    await reload(running, config(running, version="good"))
    await reload(running, config(running, version="broken"))
    await running.line("not reloaded: not start")
    assert (await about(running))["version"] == "good"


async def test_a_mistake_in_the_program_does_not_end_what_serves(running: Running) -> None:
    await reload(running, config(running, version="good"))
    await reload(running, config(running, version="buggy"))
    assert (await about(running))["version"] == "good"
    running.lines.clear()  # the traceback is as it should be


async def test_management_is_served_on_its_own_port_also_after_a_reload(running: Running) -> None:
    await reload(running, config(running))
    async with aiohttp.ClientSession(running.management) as session:
        for path in ("/healthz", "/readyz", "/metrics"):
            async with session.get(path) as response:
                assert response.status == 200


async def test_sigterm_and_sigint_end_it_with_exit_0(start: Start) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        running = start()
        running.signal(number)
        assert await running.ended() == 0
        assert "Traceback" not in running.output


async def test_while_it_drains_requests_are_finished_and_nobody_else_let_in(start: Start) -> None:
    running = start()
    async with held(running) as slow:
        running.signal(signal.SIGTERM)
        await lets_nobody_in(running)
        assert running.running
        assert await slow.finish() == {"version": "one"}
    assert await running.ended() == 0


async def lets_nobody_in(running: Running) -> None:
    """Waits until it refuses connections."""
    async with asyncio.timeout(LIMIT):
        while True:
            try:
                other = await running.connect()
            except ConnectionError:
                return
            await other.close()


async def test_while_it_drains_the_management_listener_says_that_it_is_not_ready(start: Start) -> None:
    running = start()
    async with held(running) as slow, aiohttp.ClientSession(running.management) as session:
        async with session.get("/readyz") as response:
            assert response.status == 200
        running.signal(signal.SIGTERM)
        async with asyncio.timeout(LIMIT):
            status, body = 200, {"draining": False}
            while status == 200:
                async with session.get("/readyz", headers={"Connection": "close"}) as response:
                    status, body = response.status, await response.json()
        assert body["draining"]
        assert await slow.finish() == {"version": "one"}
    assert await running.ended() == 0


async def test_an_idle_connection_does_not_hold_it_up(start: Start) -> None:
    running = start(timeouts={"drain": 20.0})
    async with await running.connect() as connection:
        assert (await connection.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status == 200
        running.signal(signal.SIGTERM)
        assert await connection.closed()
        assert await running.ended() == 0, "long before the drain is over"


async def test_what_never_ends_is_broken_off_when_drain_is_over(start: Start) -> None:
    running = start(timeouts={"drain": 0.3})
    async with await running.connect() as connection:
        await connection.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        await connection.receive(body=False)
        running.signal(signal.SIGTERM)
        assert await running.ended() == 0
        assert running.found("shutdown timed out: 1 connections closed")


async def test_a_second_interrupt_breaks_everything_off(start: Start) -> None:
    running = start(timeouts={"drain": 60.0})
    async with await running.connect() as connection:
        await connection.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        await connection.receive(body=False)
        running.signal(signal.SIGINT)
        await lets_nobody_in(running)
        assert running.running
        running.signal(signal.SIGINT)
        assert await running.ended() == 130, "long before the drain is over"


async def test_a_configuration_that_does_not_start_at_first_ends_it_with_the_reason(start: Start) -> None:
    running = start(version="broken", ready=False)
    assert await running.ended(within=START_LIMIT) == 1
    assert running.lines == ["gatepost: it does", "gatepost: not start"]


async def test_tls_with_a_certificate_of_its_own_and_an_access_log(start: Start, tmp_path: Path) -> None:
    content = small_config(tmp_path, listen=[{"host": "127.0.0.1", "port": 0, "tls": "auto"}])
    content["logging"]["access"] = True
    running = start(content)
    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(running.https, ssl=False) as response:
                assert (await response.json())["version"] == "one"
    running.stop()
    assert len([line for line in running.lines if " info access: - GET / 200" in line]) == 3, "all of it"
