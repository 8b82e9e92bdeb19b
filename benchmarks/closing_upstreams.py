"""`python -m benchmarks.closing_upstreams`: how many requests are lost to upstreams that close their connections.

Gatepost on both of its ways and with one and two workers, and its peers beside it, all in one run. Three upstreams
announce nothing and close: right after a response; 1 to 50 ms after it, without reading on; or after 1 to 50 ms
without a request. Every client sends one request after the other, for a few seconds in each case.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple
from urllib.request import urlopen

from benchmarks.contender import Contender
from benchmarks.peers.caddy import Caddy
from benchmarks.peers.envoy import Envoy
from benchmarks.peers.gatepost import Gatepost
from benchmarks.peers.haproxy import HAProxy
from benchmarks.peers.traefik import Traefik
from benchmarks.stand import TOKEN, PeerMissingError, program

BOTH_CORES = frozenset({0, 1})
LONGEST = 0.05
"""Seconds after which an upstream closes at the latest."""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BODY = b"x" * 100

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Conversation = Callable[[Reader, Writer], Awaitable[None]]


# The upstreams.


async def closes_at_once(reader: Reader, writer: Writer) -> None:
    """Answers once and closes."""
    await read_message(reader)
    writer.write(ANSWER)


async def closes_later(reader: Reader, writer: Writer) -> None:
    """Answers once, reads no more, and closes 1 to 50 ms later."""
    await read_message(reader)
    writer.write(ANSWER)
    await asyncio.sleep(random.uniform(0.001, LONGEST))  # noqa: S311 (no secret)


async def closes_when_idle(reader: Reader, writer: Writer) -> None:
    """Answers for as long as the next request comes within 1 to 50 ms."""
    await read_message(reader)
    while True:
        writer.write(ANSWER)
        async with asyncio.timeout(random.uniform(0.001, LONGEST)):  # noqa: S311 (as above)
            await read_message(reader)


UPSTREAMS: dict[str, Conversation] = {
    "at once": closes_at_once,
    "after 1-50 ms": closes_later,
    "idle 1-50 ms": closes_when_idle,
}


async def read_message(reader: Reader) -> bytes:
    """One message with a Content-Length or without a body; its head."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            await reader.readexactly(int(value))
    return head


@contextmanager
def serving(conversation: Conversation) -> Iterator[int]:
    """An upstream in a thread of its own; its port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    loops: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = SimpleQueue()

    async def accept(reader: Reader, writer: Writer) -> None:
        try:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                await conversation(reader, writer)
        finally:
            await close(writer)

    async def serve() -> None:
        over = asyncio.Event()
        loops.put((asyncio.get_running_loop(), over))
        server = await asyncio.start_server(accept, sock=listening)
        await over.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    loop, over = loops.get()
    try:
        yield listening.getsockname()[1]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def close(writer: Writer) -> None:
    """Closes a connection, however it has ended."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


# The clients.


@dataclass(frozen=True)
class Load:
    """What clients send."""

    method: str
    clients: int
    target: str = "/"

    def request(self, host: str, token: str) -> bytes:
        """One of the requests."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {token}"]
        body = b"" if self.method == "GET" else BODY
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body


LOADS = [Load(method, clients) for method in ("POST", "GET", "PUT") for clients in (8, 40)]


async def run_load(load: Load, port: int, token: str, seconds: float) -> Counter[str]:
    """How many responses of each status came; `lost` where the connection broke in place of one."""
    outcomes: Counter[str] = Counter()
    request, until = load.request(f"127.0.0.1:{port}", token), time.monotonic() + seconds

    async def client() -> None:
        asked = False  # at least once, however busy the machine is
        while not asked or time.monotonic() < until:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                while not asked or time.monotonic() < until:
                    asked = True
                    writer.write(request)
                    head = await read_message(reader)
                    outcomes[head[9:12].decode()] += 1
                    if b"connection: close" in head.lower():
                        break
            except (OSError, asyncio.IncompleteReadError):
                outcomes["lost"] += 1
            finally:
                await close(writer)

    await asyncio.gather(*(client() for _ in range(load.clients)))
    return outcomes


# Those that are compared.


class Nginx(Contender):
    """nginx, with connections to the upstream that are kept, or as it comes from Debian."""

    def __init__(self, folder: Path, upstream: int, name: str, *, keep: bool) -> None:
        self.name = name
        super().__init__(folder)
        self._upstream, self._keep = upstream, keep

    def command(self) -> Sequence[str]:
        kept = 'proxy_http_version 1.1; proxy_set_header Connection "";' if self._keep else ""
        config = self.folder / "nginx.conf"
        config.write_text(
            f"worker_processes 1; daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log;"
            "events { worker_connections 4096; } http { access_log off;"
            f"client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;"
            f"upstream backend {{ server 127.0.0.1:{self._upstream}; {'keepalive 256;' if self._keep else ''} }}"
            f"server {{ listen 127.0.0.1:{self.port}; location / {{ {kept} proxy_pass http://backend; }} }} }}"
        )
        found = program("nginx", "/usr/sbin:/usr/local/sbin:/usr/bin")
        return [found, "-c", str(config), "-e", str(self.folder / "error.log")]


class ClosingGatepost(Gatepost):
    """Gatepost, of which is also read whether its circuit breaker has opened."""

    def breaker_open(self) -> bool:
        """Whether any worker's is."""
        management = self._config["management"]
        with urlopen(f"http://127.0.0.1:{management['port']}/metrics") as response:
            lines = response.read().decode().splitlines()
        values = [line.split()[-1] for line in lines if line.startswith("gatepost_upstream_breaker_open{")]
        assert values
        return any(float(value) for value in values)


def gateposts(folder: Path, upstream: int) -> Iterator[Contender]:
    """On both ways, with one and two workers."""
    for workers in (1, 2):
        for fast in (True, False):
            name = f"Gatepost, {'fast path' if fast else 'aiohttp'}, {workers} worker{'s' * (workers - 1)}"
            server: dict[str, Any] = {"workers": workers, "fast_lane": fast}
            yield ClosingGatepost(folder, upstream, name=name, cores=BOTH_CORES, server=server)


def peers(folder: Path, upstream: int) -> Iterator[Contender]:
    """Those that are installed."""
    makers: list[Callable[[], Contender]] = [
        lambda: Nginx(folder, upstream, "nginx, keepalive 256", keep=True),
        lambda: Nginx(folder, upstream, "nginx, no keepalive", keep=False),
        lambda: HAProxy(folder, upstream, TOKEN, program("haproxy", "/usr/sbin:/usr/local/sbin")),
        lambda: Envoy(folder, upstream, TOKEN, program("envoy")),
        lambda: Caddy(folder, upstream, program("caddy")),
        lambda: Traefik(folder, upstream, program("traefik")),
    ]
    for maker in makers:
        try:
            yield maker()
        except PeerMissingError as error:
            print(f"left out: {error}")


# What comes of it.


class Row(NamedTuple):
    """One case of one of them."""

    name: str
    upstream: str
    load: Load
    requests: int
    failed: int
    breaker_open: bool
    outcomes: str

    def line(self) -> str:
        """A line of the table."""
        share = f"{100 * self.failed / max(self.requests, 1):.2f} %"
        opened = " OPEN" if self.breaker_open else ""
        return (
            f"| {self.upstream} | {self.load.method} | {self.load.clients} | {self.name} | {self.requests} "
            f"| {self.failed} | {share} | {self.outcomes}{opened} |"
        )


def measure(contender: Contender, upstream: str, load: Load, seconds: float) -> Row:
    """Runs one case."""
    token = contender.token() if isinstance(contender, Gatepost) else TOKEN
    outcomes = asyncio.run(run_load(load, contender.port, token, seconds))
    total = outcomes.total()
    opened = isinstance(contender, ClosingGatepost) and contender.breaker_open()
    text = ", ".join(f"{status}: {count}" for status, count in sorted(outcomes.items()))
    return Row(contender.name, upstream, load, total, total - outcomes["200"], opened, text)


def verdict(rows: Sequence[Row]) -> list[str]:
    """What Gatepost does worse than it should: nothing, one hopes."""
    problems = []
    for row in rows:
        if not row.name.startswith("Gatepost"):
            continue
        others = [
            other.failed / max(other.requests, 1)
            for other in rows
            if (other.upstream, other.load) == (row.upstream, row.load)
            and not other.name.startswith("Gatepost")
        ]
        allowed = min(others, default=0.0) if row.load.method == "POST" else 0.0
        if row.breaker_open or row.failed / max(row.requests, 1) > allowed:
            problems.append(f"WORSE: {row.line()}")
    return problems


def main() -> None:
    """Reads the options, runs, prints a table; fails where Gatepost loses more than the best."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.closing_upstreams", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of load in each case")
    parser.add_argument("--upstream", choices=UPSTREAMS, help="this one alone")
    parser.add_argument("--only", default="", help="those with this in their name")
    options = parser.parse_args()
    rows: list[Row] = []
    print("| upstream closes | method | clients | proxy | requests | failed | share | responses |")
    print("|---|---|---|---|---|---|---|---|")
    chosen = [options.upstream] if options.upstream else list(UPSTREAMS)
    for upstream in chosen:
        with (
            tempfile.TemporaryDirectory(prefix="closing-") as folder,
            serving(UPSTREAMS[upstream]) as port,
            ExitStack() as started,
        ):
            contenders = [*gateposts(Path(folder), port), *peers(Path(folder), port)]
            contenders = [each for each in contenders if options.only in each.name]
            for contender in contenders:
                started.callback(contender.stop)
                contender.start()
            for load, contender in product(LOADS, contenders):
                rows.append(measure(contender, upstream, load, options.seconds))
                print(rows[-1].line(), flush=True)
    problems = verdict(rows)
    print("\n".join(problems) or "Gatepost loses no more than the best.")
    raise SystemExit(1 if problems else 0)


if __name__ == "__main__":
    main()
