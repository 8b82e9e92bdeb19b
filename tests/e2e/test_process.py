"""The real gateway as a process: ready, observed, reloaded, drained, killed."""

import asyncio
import os
import signal
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from gateway.process.listeners import ListenAddress, listen
from tests.bounds import BRIEF
from tests.conftest import Valkey
from tests.e2e.conftest import StartGateway, configuration, merged, token
from tests.raw import LIMIT, RawMessage, RawUpstream, answer
from tests.running import START_LIMIT, Running

OPEN = b"GET /open HTTP/1.1\r\nHost: a\r\n\r\n"


async def asked(running: Running, request: bytes = OPEN) -> RawMessage:
    """The answer over a connection of its own."""
    async with await running.connect() as connection:
        return await connection.ask(request)


def bearer(text: str) -> bytes:
    return f"GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {text}\r\n\r\n".encode()


async def slow(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(1.0)
    writer.write(answer(body=b"slow"))
    await writer.drain()
    return True


async def test_the_embedded_store_keeps_tokens_over_a_restart(
    gateway: StartGateway, upstream: RawUpstream, tmp_path: Path
) -> None:
    store = {"store": {"url": "embedded"}, "server": {"state_dir": str(tmp_path / "state")}}
    config = merged(configuration(upstream.url), store)
    first = gateway(config)
    issued = (await token(first, scope="orders.read"))["access_token"]
    assert (await asked(first, bearer(issued))).status == 200
    first.stop()
    second = gateway(config)
    assert (await asked(second, bearer(issued))).status == 200


async def test_http_and_https_are_served_alike(gateway: StartGateway, upstream: RawUpstream) -> None:
    listeners = [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": "auto"}]
    running = gateway(configuration(upstream.url, server={"listen": listeners}))
    async with aiohttp.ClientSession() as session:
        for url in (running.http, running.https):
            async with session.get(f"{url}/open", ssl=False) as response:
                assert (response.status, await response.text()) == (200, "hello")
    assert len(upstream.requests) == 2


async def test_health_readiness_and_metrics(gateway: StartGateway, upstream: RawUpstream) -> None:
    running = gateway(configuration(upstream.url))
    await token(running)
    await asked(running)
    await asked(running, b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
    async with aiohttp.ClientSession(running.management) as session:
        for path in ("/healthz", "/readyz"):
            async with session.get(path) as response:
                assert response.status == 200
        async with session.get("/metrics") as response:
            text = await response.text()
    assert 'gatepost_requests_total{method="GET",route="/open",status="200"} 1.0' in text
    assert 'gatepost_requests_total{method="GET",route="-",status="404"} 1.0' in text
    assert 'gatepost_tokens_total{grant="client_credentials",outcome="issued"} 1.0' in text


async def test_management_is_not_on_the_public_listener(gateway: StartGateway, upstream: RawUpstream) -> None:
    running = gateway(configuration(upstream.url))
    for path in (b"/metrics", b"/healthz", b"/readyz"):
        assert (await asked(running, b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")).status == 404


async def test_it_is_not_ready_without_its_store_and_healthy_all_the_same(
    gateway: StartGateway, upstream: RawUpstream, own_valkey: Valkey
) -> None:
    store = {"url": own_valkey.url, "timeout": BRIEF}
    running = gateway(configuration(upstream.url, store=store))
    own_valkey.kill()
    async with aiohttp.ClientSession(running.management) as session:
        async with session.get("/readyz") as response:
            assert response.status == 503
            assert "reason" in await response.json()
        async with session.get("/healthz") as response:
            assert response.status == 200


async def test_a_request_on_its_way_is_finished_when_it_stops(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    for workers in (1, 2):
        upstream.reset(slow)
        running = gateway(configuration(upstream.url), workers=workers)
        asking = asyncio.create_task(asked(running))
        await upstream.next()
        running.signal(signal.SIGTERM)
        assert (await asking).body == b"slow"
        assert await running.ended() == 0


async def test_a_reload_changes_routes_and_keeps_tokens_and_requests(
    gateway: StartGateway, upstream: RawUpstream, valkey: Valkey, prefix: str
) -> None:
    for workers in (1, 2):
        upstream.reset(slow)
        store = {"url": valkey.url, "prefix": f"{prefix}{workers}"}
        config = configuration(
            upstream.url, store=store, server={"workers": workers}, logging={"level": "info"}
        )
        running = gateway(config)
        issued = (await token(running, scope="orders.read"))["access_token"]
        asking = asyncio.create_task(asked(running))
        await upstream.next()
        changed: dict[str, Any] = merged(config, {"routes": [*config["routes"][:1]]})
        running.write(changed)
        running.signal(signal.SIGHUP)
        await running.line("reloaded")
        assert (await asking).body == b"slow"
        upstream.reset()
        async with asyncio.timeout(START_LIMIT):
            while (await asked(running)).status != 404:  # noqa: ASYNC110 (old workers take some more)
                await asyncio.sleep(0.02)
        assert (await asked(running, bearer(issued))).status == 200


async def test_a_kept_connection_loses_no_request_in_a_reload(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    for workers in (1, 2):
        running = gateway(configuration(upstream.url, logging={"level": "info"}), workers=workers)
        over = asyncio.Event()

        async def keep_asking(running: Running = running, over: asyncio.Event = over) -> None:
            while not over.is_set():
                async with await running.connect() as connection:
                    kept = True
                    while kept and not over.is_set():
                        reply = await connection.ask(OPEN)
                        assert reply.status == 200
                        kept = reply.header("Connection") != "close"

        asking = [asyncio.create_task(keep_asking()) for _ in range(4)]
        for _ in range(2):
            running.lines.clear()
            running.signal(signal.SIGHUP)
            await running.line("reloaded")
            await asyncio.sleep(0.1)
        over.set()
        await asyncio.gather(*asking)


async def test_a_broken_file_is_explained_line_by_line_and_the_old_one_served(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    running = gateway(configuration(upstream.url))
    running.write("server: {workrs: 2}\nroutes: 7\n")
    running.signal(signal.SIGHUP)
    await running.line(r"gateway.yaml:1:\d+: server.workrs: .*workers")
    await running.line(r"gateway.yaml:2:\d+: routes: ")
    assert (await asked(running)).status == 200


async def test_a_killed_worker_costs_only_what_it_was_doing(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    running = gateway(configuration(upstream.url), workers=2)
    victim = running.children()[0]
    os.kill(victim, signal.SIGKILL)
    async with asyncio.timeout(START_LIMIT):
        while victim in running.children() or len(running.children()) != 2:
            assert (await asked(running)).status == 200
            await asyncio.sleep(0.02)
    assert (await asked(running)).status == 200


async def test_one_token_for_all_workers(gateway: StartGateway, upstream: RawUpstream) -> None:
    running = gateway(configuration(upstream.url), workers=2)
    answers = await asyncio.gather(*(token(running) for _ in range(8)))
    assert len({each["access_token"] for each in answers}) == 1


async def test_a_port_in_use_is_named_and_the_exit_code_1(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    (taken,) = listen([ListenAddress("127.0.0.1", 0)])
    with closing(taken):
        where = {"host": "127.0.0.1", "port": taken.address.port}
        for workers in (1, 2):
            config = configuration(upstream.url, server={"listen": [where], "workers": workers})
            running = gateway(config, ready=False)
            assert await running.ended() == 1
            assert running.lines == [
                f"gatepost: can't listen on {taken.address}: address already in use by another process"
            ]


async def test_a_broken_file_at_the_start_is_exit_code_2(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    running = gateway("server: {workrs: 2}\n", ready=False)
    assert await running.ended() == 2
    assert "gateway.yaml:1:10: server.workrs" in running.output


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_shutdown_delay_gives_load_balancers_time_to_notice(
    gateway: StartGateway, upstream: RawUpstream, workers: int
) -> None:
    timeouts = {"shutdown_delay": "3s", "drain": 5}
    running = gateway(configuration(upstream.url, server={"workers": workers, "timeouts": timeouts}))
    async with aiohttp.ClientSession() as session:
        running.signal(signal.SIGTERM)
        async with asyncio.timeout(LIMIT):
            while True:
                async with session.get(f"{running.management}/readyz") as response:
                    if response.status == 503:
                        break
                await asyncio.sleep(0.02)
        # A connection of its own, made after the signal.
        assert (await asked(running)).status == 200
    assert await running.ended() == 0


async def test_a_reload_with_a_shutdown_delay_serves_the_new_configuration_at_once(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    server = {"workers": 2, "timeouts": {"shutdown_delay": "60s", "drain": 5}}
    config = configuration(upstream.url, server=server)
    running = gateway(config)
    await _reloaded(running)
    # Or the end of this test would take a minute.
    config["server"]["timeouts"]["shutdown_delay"] = 0
    running.write(merged(config, {"store": yaml.safe_load(running.file.read_text())["store"]}))
    await _reloaded(running)


async def _reloaded(running: Running) -> None:
    """Reloads, and waits until none of the workers before is left."""
    before = set(running.children())
    running.signal(signal.SIGHUP)
    deadline = time.monotonic() + START_LIMIT
    while before & set(running.children()):
        assert time.monotonic() < deadline, "the old workers stay"
        await asyncio.sleep(0.05)
