"""Callers who mean harm: slow in every way, and many. Meanwhile a good one is served."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from tests.conftest import Valkey
from tests.exactness.conftest import WAYS, exact_config
from tests.exactness.programs import program
from tests.raw import LIMIT, RawClient, RawUpstream, answer, raw_upstream, says
from tests.running import Running

GET = b"GET /open HTTP/1.1\r\nHost: a\r\n\r\n"
MOST, MOST_PER_ADDRESS = 60, 50


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    with raw_upstream() as made:
        yield made


@pytest.fixture(scope="module", params=WAYS)
def gateway(
    request: pytest.FixtureRequest,
    upstream: RawUpstream,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    config = exact_config(
        upstream.port,
        valkey.url,
        fast_path=request.param == "fast_path",
        timeouts={"header": "1s", "body": "1s", "idle": "2s", "drain": "1s"},
        max_connections=MOST,
        max_connections_per_address=MOST_PER_ADDRESS,
        min_rate=1_000,
    )
    running = Running(config, tmp_path_factory.mktemp("hostile"))
    running.await_ready()
    yield running
    running.stop()


@asynccontextmanager
async def a_good_caller(gateway: Running) -> AsyncIterator[Callable[[], int]]:
    """Asks all the time; in the end every question must have had its answer, and soon."""
    answered = 0
    over = False

    async def ask() -> None:
        nonlocal answered
        # Told by a flag: a cancellation may come to somebody who keeps it to himself.
        while not over:
            async with await gateway.connect() as connection, asyncio.timeout(LIMIT):
                assert (await connection.ask(GET)).status == 200
            answered += 1
            await asyncio.sleep(0.02)

    asking = asyncio.create_task(ask())
    yield lambda: answered
    over = True
    await asyncio.wait_for(asking, LIMIT)
    assert answered > 5


ATTACKS = {
    "slow heads": ["-H", "-i", "1", "-x", "10"],
    "slow bodies": ["-B", "-i", "1", "-x", "10", "-s", "8192"],
    "slow reads": ["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "8", "-k", "3"],
}
EACH = 14
"""Connections of each attack: more would be turned away at the door."""


async def test_slow_attacks_hurt_nobody(gateway: Running, upstream: RawUpstream) -> None:
    upstream.reset(says(answer(body=b"x" * 100_000)))
    tool = program("slowhttptest")
    common = ["-c", str(EACH), "-r", "200", "-l", "3", "-p", "2", "-u", f"{gateway.http}/open"]
    async with a_good_caller(gateway):
        attackers = [
            await asyncio.create_subprocess_exec(
                tool, *attack, *common, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for attack in ATTACKS.values()
        ]
        await asyncio.wait_for(asyncio.gather(*(attacker.wait() for attacker in attackers)), 30)


async def test_too_many_from_one_address_are_turned_away(gateway: Running, upstream: RawUpstream) -> None:
    upstream.reset()
    clients = [await gateway.connect() for _ in range(MOST_PER_ADDRESS + 10)]
    assert 8 <= await turned_away(clients) <= 12
    other = await from_address("127.0.0.2", gateway)
    assert (await other.ask(GET)).status == 200
    for client in [*clients, other]:
        await client.close()
    await served_again(gateway)


async def turned_away(clients: list[RawClient]) -> int:
    """How many were closed at once: waits for the first eight, and a little for more."""
    async with asyncio.timeout(LIMIT):
        while (gone := closed(clients)) < 8:  # noqa: ASYNC110 (the other side closes them)
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.1)
    return max(gone, closed(clients))


def closed(clients: list[RawClient]) -> int:
    return sum(1 for client in clients if client.reader.at_eof() or client.reader.exception())


async def from_address(address: str, gateway: Running) -> RawClient:
    port = int(gateway.http.rpartition(":")[2])
    return RawClient(*await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)))


async def served_again(gateway: Running) -> None:
    """Waits until the gateway has seen the others go."""
    async with asyncio.timeout(LIMIT):
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                async with await gateway.connect() as connection:
                    assert (await connection.ask(GET)).status == 200
                    return
            await asyncio.sleep(0.05)


async def test_all_addresses_together_are_bounded(gateway: Running, upstream: RawUpstream) -> None:
    upstream.reset()
    clients = [await from_address(f"127.0.0.{2 + number % 5}", gateway) for number in range(MOST + 10)]
    assert 8 <= await turned_away(clients) <= 12
    for client in clients:
        await client.close()
    await served_again(gateway)


async def test_who_says_nothing_is_cut_off(gateway: Running, upstream: RawUpstream) -> None:
    upstream.reset()
    silent, kept = await gateway.connect(), await gateway.connect()
    assert (await kept.ask(GET)).status == 200
    assert await silent.closed()
    assert await kept.closed()
    await silent.close()
    await kept.close()


async def test_a_body_in_drops_is_cut_off(gateway: Running, upstream: RawUpstream) -> None:
    upstream.reset()
    client = await gateway.connect()
    await client.send(b"POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")

    async def drip() -> None:
        with suppress(OSError):
            while True:
                await client.send(b"x" * 20)
                await asyncio.sleep(0.1)

    dripping = asyncio.create_task(drip())
    assert (await client.receive()).status == 408
    dripping.cancel()
    await client.close()


@pytest.mark.parametrize("size", [300_000, 20_000_000])
async def test_who_does_not_read_is_cut_off(gateway: Running, upstream: RawUpstream, size: int) -> None:
    """A small answer stays in the gateway's buffer, a large one holds the upstream back: both end."""
    upstream.reset(says(answer(body=b"x" * size)))
    blocked = socket.socket()
    # So small that the answer can't hide in the kernel.
    blocked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    blocked.connect(("127.0.0.1", int(gateway.http.rpartition(":")[2])))
    blocked.sendall(GET)
    before = connections(gateway)
    assert before >= 1
    async with asyncio.timeout(LIMIT):
        while connections(gateway) >= before:  # noqa: ASYNC110 (another process's connections)
            await asyncio.sleep(0.05)
    blocked.close()


def connections(gateway: Running) -> int:
    """Established connections at the gateway's door, as the kernel sees them."""
    port = f":{int(gateway.http.rpartition(':')[2]):04X}"
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table]
    return sum(1 for row in rows if row[1].endswith(port) and row[3] == "01")


def test_memory_does_not_grow_with_what_strangers_make_up(gateway: Running, upstream: RawUpstream) -> None:
    """Paths, hosts, queries, header names, tokens: each distinct in every request."""
    upstream.reset()
    make_up(gateway, range(4_000))
    before = resident(gateway)
    make_up(gateway, range(4_000, 12_000))
    upstream.reset()
    assert resident(gateway) - before < 4 * 1024**2


MADE_UP = [
    b"GET /open/%d?%d HTTP/1.1\r\nHost: h%d.test\r\nX-Name-%d: %d\r\n\r\n",
    b"GET /nowhere/%d?%d HTTP/1.1\r\nHost: h%d.test\r\nX-Name-%d: %d\r\n\r\n",
    b"GET /read?%d=%d HTTP/1.1\r\nHost: h%d.test\r\nAuthorization: Bearer %043d\r\n\r\n",
    b"DELETE /read/%d HTTP/1.1\r\nHost: h%d.test\r\nCookie: a%d=%d\r\n\r\n",
]


def make_up(gateway: Running, numbers: range) -> None:
    """One after the other over a blocking socket: this is the fastest way to ask."""
    where = ("127.0.0.1", int(gateway.http.rpartition(":")[2]))
    with socket.create_connection(where, LIMIT) as connection:
        for number in numbers:
            template = MADE_UP[number % len(MADE_UP)]
            connection.sendall(template % ((number,) * template.count(b"%")))
            head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(65_536)
            assert b"Connection: close" not in head, (template, number, body)


def resident(gateway: Running) -> int:
    """Bytes of memory that the process holds."""
    with open(f"/proc/{gateway.pid}/status") as status:
        found: dict[str, Any] = dict(line.split(":", 1) for line in status)
    return int(found["VmRSS"].split()[0]) * 1024
