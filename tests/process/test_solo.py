"""One worker: ready, reloaded, stopped, as a person sees it from outside."""

import asyncio
import signal
from pathlib import Path

import aiohttp

from tests.process.conftest import Start, about, small_config


async def test_it_says_once_when_it_is_ready_and_where(start: Start) -> None:
    running = start()
    (line,) = [line for line in running.lines if "ready on" in line]
    assert (
        line == f"gatepost: ready on {running.http} (1 worker, store unix, management {running.management})"
    )
    assert (await about(running))["version"] == "one"


async def test_it_runs_in_the_process_that_was_started(start: Start) -> None:
    running = start()
    assert (await about(running))["pid"] == running.pid


async def test_sigterm_and_sigint_end_it_with_exit_0(start: Start) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        running = start()
        running.signal(number)
        assert await running.ended() == 0
        assert "Traceback" not in running.output


async def test_a_request_in_flight_is_finished_and_nobody_else_let_in(start: Start) -> None:
    running = start()
    slow = asyncio.create_task(about(running, "/slow/1.0"))
    await asyncio.sleep(0.2)
    running.signal(signal.SIGTERM)
    assert await slow == {"version": "one"}
    assert await running.ended() == 0


async def test_connections_are_refused_while_it_drains(start: Start) -> None:
    running = start()
    address = running.http
    async with await running.connect(address) as connection:
        await connection.send(b"GET /slow/2 HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(0.1)
        running.signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            while True:
                try:
                    other = await running.connect(address)
                except ConnectionError:
                    break
                await other.close()
        assert running.running
        assert (await connection.receive()).status == 200


async def test_an_idle_connection_does_not_hold_it_up(start: Start) -> None:
    running = start(timeouts={"drain": 20.0})
    async with await running.connect() as connection:
        assert (await connection.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status == 200
        running.signal(signal.SIGTERM)
        assert await connection.closed()
        assert await running.ended(within=5) == 0


async def test_what_never_ends_is_broken_off_when_drain_is_over(start: Start) -> None:
    running = start(timeouts={"drain": 0.3})
    async with await running.connect() as connection:
        await connection.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        await connection.receive(body=False)
        running.signal(signal.SIGTERM)
        assert await running.ended(within=5) == 0
        assert running.found("1 connections were broken off")


async def test_a_second_interrupt_breaks_everything_off(start: Start) -> None:
    running = start(timeouts={"drain": 60.0})
    async with await running.connect() as connection:
        await connection.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        await connection.receive(body=False)
        running.signal(signal.SIGINT)
        await asyncio.sleep(0.3)
        assert running.running
        running.signal(signal.SIGINT)
        assert await running.ended(within=5) == 130


async def test_sighup_takes_over_a_changed_file(start: Start, tmp_path: Path) -> None:
    running = start()
    running.write(small_config(tmp_path / "0", version="two"))
    running.signal(signal.SIGHUP)
    await running.line("reloaded")
    assert (await about(running))["version"] == "two"
    assert (await about(running))["pid"] == running.pid


async def test_a_request_in_flight_outlives_a_reload(start: Start, tmp_path: Path) -> None:
    running = start()
    slow = asyncio.create_task(about(running, "/slow/1.0"))
    await asyncio.sleep(0.2)
    running.write(small_config(tmp_path / "0", version="two"))
    running.signal(signal.SIGHUP)
    await running.line("reloaded")
    assert (await about(running))["version"] == "two", "the new one serves while the old one finishes"
    assert await slow == {"version": "one"}


async def test_no_request_is_lost_in_many_reloads(start: Start, tmp_path: Path) -> None:
    running = start()
    await about(running)
    stop = asyncio.Event()

    async def ask() -> set[str]:
        versions = set()
        while not stop.is_set():
            versions.add((await about(running))["version"])
        return versions

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    for version in ("two", "three", "four", "five"):
        running.lines.clear()
        running.write(small_config(tmp_path / "0", version=version))
        running.signal(signal.SIGHUP)
        await running.line("reloaded")
    stop.set()
    seen = set[str]().union(*await asyncio.gather(*asking))
    assert {"one", "five"} <= seen


async def test_a_broken_file_is_reported_a_problem_a_line_and_the_old_one_goes_on(start: Start) -> None:
    running = start()
    running.write("server: [")
    running.signal(signal.SIGHUP)
    await running.line("not reloaded: first problem")
    await running.line("not reloaded: second problem")
    assert (await about(running))["version"] == "one"


async def test_a_configuration_that_does_not_start_leaves_the_old_one_serving(
    start: Start, tmp_path: Path
) -> None:
    running = start()
    running.write(small_config(tmp_path / "0", version="broken"))
    running.signal(signal.SIGHUP)
    await running.line("not reloaded: not start")
    assert (await about(running))["version"] == "one"


async def test_what_takes_a_restart_is_said_and_the_rest_taken_over(start: Start, tmp_path: Path) -> None:
    running = start()
    changed = small_config(tmp_path / "0", version="two", workers=2)
    changed["server"]["listen"].append({"host": "127.0.0.2", "port": 0})
    running.write(changed)
    running.signal(signal.SIGHUP)
    await running.line("server.listen has changed, which takes a restart")
    await running.line("server.workers has changed, which takes a restart")
    assert (await about(running))["version"] == "two"


async def test_management_is_served_on_its_own_port_also_after_a_reload(start: Start, tmp_path: Path) -> None:
    running = start()
    await about(running)
    running.write(small_config(tmp_path / "0", version="two"))
    running.signal(signal.SIGHUP)
    await running.line("reloaded")
    await about(running)
    async with aiohttp.ClientSession(running.management) as session:
        for path in ("/healthz", "/readyz"):
            async with session.get(path) as response:
                assert response.status == 200
        async with session.get("/metrics") as response:
            text = await response.text()
    assert 'gatepost_requests_total{method="GET",route="/",status="200"} 2.0' in text, "counts outlive it"


async def test_tls_with_a_certificate_of_its_own(start: Start) -> None:
    running = start(listen=[{"host": "127.0.0.1", "port": 0, "tls": "auto"}])
    async with aiohttp.ClientSession() as session, session.get(running.https, ssl=False) as response:
        assert (await response.json())["version"] == "one"


async def test_a_configuration_that_does_not_start_at_first_ends_it_with_the_reason(start: Start) -> None:
    running = start(version="broken", ready=False)
    assert await running.ended() == 1
    assert running.lines == ["gatepost: it does", "gatepost: not start"]


async def test_the_access_log_is_complete_when_it_has_ended(start: Start, tmp_path: Path) -> None:
    config = small_config(tmp_path)
    config["logging"]["access"] = True
    running = start(config)
    for _ in range(3):
        await about(running)
    running.stop()
    assert len([line for line in running.lines if " info access: - GET / 200" in line]) == 3
