"""The edge's Envoy lives with its gateway: started, watched, told anew, drained, stopped."""

import asyncio
import errno
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
import trustme
import yaml

from tests.commands.conftest import gatepost
from tests.e2e.conftest import StartGateway
from tests.e2e.test_tls_certificates import write
from tests.edge.clients import ask, head, http2, insecure
from tests.edge.conftest import PLAIN, ROUTES, edge_configuration, port_of
from tests.raw import RawMessage, RawUpstream, answer, until
from tests.running import START_LIMIT, Running

WORKERS = pytest.mark.parametrize("workers", [1, 2])


def envoys(running: Running) -> list[int]:
    """The process ids of its Envoys."""
    listing = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(running.pid)], capture_output=True, text=True, check=False
    )
    rows = [row.split(None, 1) for row in listing.stdout.splitlines()]
    return [int(pid) for pid, arguments in rows if "envoy" in arguments]


def folders(running: Running) -> list[Path]:
    """The directories of edges beside its configuration."""
    return list((running.file.parent / ".gatepost").glob("edge-*"))


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class Held:
    """An upstream that answers when it is told to."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.go = asyncio.Event()

    async def __call__(
        self, request: RawMessage, _: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if request.target == "/open/held":
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.go.wait(), self._loop))
        writer.write(answer("200 OK", b"at last"))
        return True


@WORKERS
async def test_what_is_under_way_at_the_edge_is_finished_at_a_stop(
    gateway: StartGateway, upstream: RawUpstream, workers: int
) -> None:
    held = Held()
    upstream.reset(held)
    running = gateway(edge_configuration(upstream.url, server={"timeouts": {"drain": 30}}), workers=workers)
    (envoy,), port = envoys(running), port_of(running)
    async with http2(port) as client:
        stream = await client.send(head("GET", "/open/held"))
        await upstream.next()
        running.signal(signal.SIGTERM)
        await until(lambda: refuses(port))
        assert not client.ended
        held.go.set()
        found = await client.answer(stream)
        assert (found.status, found.body) == (200, b"at last")
    assert await running.ended(within=START_LIMIT) == 0
    assert gone(envoy)
    assert not folders(running)


def refuses(port: int) -> bool:
    """Whether nothing accepts there."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


async def test_the_edge_ends_with_a_gateway_that_is_killed_and_the_next_cleans_up(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    running = gateway(edge_configuration(upstream.url))
    (envoy,) = envoys(running)
    running.kill()
    await until(lambda: gone(envoy))
    (left,) = folders(running)
    second = Running(running.file.read_text(), running.file.parent)
    try:
        second.await_ready()
        assert left not in folders(second)
        assert (await ask(2, port_of(second), "GET", "/open")).status == 200
    finally:
        second.stop()
    assert not folders(running)
    running.kill = running.stop = lambda **_: None  # type: ignore[method-assign]  # it is over


@WORKERS
async def test_an_envoy_that_dies_is_restarted(
    gateway: StartGateway, upstream: RawUpstream, workers: int
) -> None:
    running = gateway(edge_configuration(upstream.url), workers=workers)
    (first,), port = envoys(running), port_of(running)
    os.kill(first, signal.SIGKILL)
    await running.line("the edge's Envoy has ended, restarting it")
    await until_answered(port)
    assert first not in envoys(running)


async def until_answered(port: int) -> None:
    """Waits until the edge answers again."""
    async with asyncio.timeout(START_LIMIT):
        while True:
            with suppress(OSError):
                assert (await ask(2, port, "GET", "/open")).status == 200
                break
            await asyncio.sleep(0.02)


@WORKERS
async def test_an_envoy_that_hangs_is_killed_and_restarted(
    gateway: StartGateway, upstream: RawUpstream, workers: int
) -> None:
    running = gateway(edge_configuration(upstream.url), workers=workers)
    (first,), port = envoys(running), port_of(running)
    await until_told(running, up=1, restarts=0)
    os.kill(first, signal.SIGSTOP)
    await running.line("the edge's Envoy has not answered for 5 s: it is killed")
    await running.line("the edge's Envoy has ended, restarting it")
    assert gone(first)
    await until_answered(port)
    await until_told(running, up=1, restarts=1)
    # Another worker may answer this, who heard of it up to a second later.
    async with asyncio.timeout(START_LIMIT):
        while "edge           up, 1 restarts" not in shown(running):  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.1)


def shown(running: Running) -> str:
    """What `gatepost status` says."""
    return gatepost("status", "--url", running.management).stdout


async def until_told(running: Running, **wanted: float) -> None:
    """Waits until the metrics say so: what other workers say is up to a second old."""
    deadline = time.monotonic() + START_LIMIT
    while (found := await figures(running)) != tuple(wanted.values()):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.02)


async def figures(running: Running) -> tuple[float, float]:
    """The metrics of its edge: whether it is up, and how often it was restarted."""
    async with aiohttp.ClientSession() as session, session.get(f"{running.management}/metrics") as answer:
        found = dict(re.findall(r"^(gatepost_edge\w+) (\S+)$", await answer.text(), re.MULTILINE))
    return float(found["gatepost_edge_up"]), float(found["gatepost_edge_restarts_total"])


@WORKERS
async def test_a_reload_reaches_open_connections_at_the_edge_and_loses_nothing(
    gateway: StartGateway, upstream: RawUpstream, workers: int
) -> None:
    running = gateway(edge_configuration(upstream.url), workers=workers)
    envoy, port = envoys(running), port_of(running)
    async with asking(port) as statuses, http2(port) as client:
        assert (await client.ask(head("GET", "/new"))).status == 404
        for number in range(3):
            route = {"path": f"/new-{number}", "upstream": "backend", "auth": "none"}
            running.write(changed(running, [*ROUTES, route]))
            running.lines.clear()
            running.signal(signal.SIGHUP)
            await running.line("reloaded: the new configuration is active")
            assert (await client.ask(head("GET", f"/new-{number}"))).status == 200
    assert set(statuses) == {200}
    assert envoys(running) == envoy


def changed(running: Running, routes: list[dict[str, object]]) -> str:
    """Its file with other routes."""
    return yaml.safe_dump({**yaml.safe_load(running.file.read_text()), "routes": routes})


@asynccontextmanager
async def asking(port: int) -> AsyncIterator[list[int]]:
    """Asks all the time, on one connection; the statuses."""
    statuses: list[int] = []

    async def ask_on() -> None:
        async with http2(port) as client:
            while True:
                found = await client.ask(head("GET", "/open"))
                statuses.append(found.status)
                assert not client.closed

    task = asyncio.create_task(ask_on())
    await until(lambda: statuses)
    yield statuses
    assert not task.done(), task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_renewed_certificate_is_served_at_the_edge_and_open_connections_stay(
    gateway: StartGateway, upstream: RawUpstream, tmp_path: Path
) -> None:
    authority = trustme.CA()
    names = {"first": "a.example.org", "second": "b.example.org"}
    files = [write(authority, tmp_path / part, name) for part, name in names.items()]
    listener = {"host": "127.0.0.1", "port": 0, "tls": files, "http": [1, 2]}
    running = gateway(edge_configuration(upstream.url, server={"listen": [PLAIN, listener]}))
    port = port_of(running)
    assert await served(port, "b.example.org") == b"b.example.org"
    assert await served(port, "other.example.org") == b"a.example.org"
    async with http2(port) as client:
        assert (await client.ask(head("GET", "/open"))).status == 200
        write(authority, tmp_path / "first", "a.example.org", "c.example.org")
        await running.line(r"first/cert\.pem replaced")
        async with asyncio.timeout(START_LIMIT):
            while b"c.example.org" not in await served(port, "a.example.org", whole=True):
                pass
        assert (await client.ask(head("GET", "/open"))).status == 200
        assert not client.closed


async def served(port: int, name: str, *, whole: bool = False) -> bytes:
    """The first name in the certificate that a client gets who asks for `name`, or the whole of it."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=insecure("h2"), server_hostname=name)
    der: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    found = re.search(rb"[a-z]\.example\.org", der)
    return der if whole else found[0] if found else b""


async def test_a_port_that_is_taken_is_named(gateway: StartGateway, upstream: RawUpstream) -> None:
    taken = {"host": "127.0.0.1", "port": upstream.port, "tls": "auto", "http": [1, 2]}
    running = gateway(edge_configuration(upstream.url, server={"listen": [taken]}), ready=False)
    assert await running.ended(within=START_LIMIT) == 1
    assert f"can't listen on https://127.0.0.1:{upstream.port}: address already in use" in running.output
    running.stop = lambda **_: None  # type: ignore[method-assign]  # it is over
