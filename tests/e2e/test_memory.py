"""Large distinct requests of a stranger don't make a worker grow: measured from outside, on both paths."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.client_keys import Signer
from tests.e2e.conftest import StartGateway, configuration
from tests.raw import until
from tests.running import Running

LONG = 3_000
REQUESTS = int(os.environ.get("GATEPOST_MEMORY_REQUESTS", "1000"))
"""Of each kind. With 30 kB each, to remember one kind is to grow by 30 MB. 4200 is the long edition."""
WARM_UP = 100
SIZE = 30_000
MOST_GROWTH = 48 if REQUESTS > LONG else 22
"""MiB, of all kinds together: `docs/pages/architecture/caches.md` promises 48 for any number of requests."""


def text(number: int, size: int) -> str:
    return f"{number:08d}".ljust(size, "a")


def get(target: str, *headers: str, host: str = "a") -> bytes:
    return "\r\n".join((f"GET {target} HTTP/1.1", f"Host: {host}", *headers, "", "")).encode()


def post_token(*headers: str) -> bytes:
    form = "grant_type=client_credentials"
    start = (
        "POST /token HTTP/1.1",
        "Host: a",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(form)}",
    )
    return "\r\n".join((*start, *headers, "", form)).encode()


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def forged_jwt(number: int) -> bytes:
    """Several kB, and by its claims one of the gateway's own."""
    header = encoded({"typ": "at+jwt", "alg": "ES256", "kid": "a"})
    claims = encoded({"iss": "https://localhost:8243", "exp": 2**31, "sub": text(number, 5_000)})
    return get("/orders", f"Authorization: Bearer {header}.{claims}.{'a' * 86}")


def basic(number: int) -> bytes:
    credentials = base64.b64encode(f"{text(number, 10_000)}:secret".encode()).decode()
    # Of another address each: the answers of one would be held back more and more.
    address = f"10.1.{number >> 8}.{number & 255}"
    return post_token(f"Authorization: Basic {credentials}", f"X-Forwarded-For: {address}")


KEY = Signer("ES256")


def dpop(number: int) -> bytes:
    """A well-formed proof, signed by a key of the stranger's own."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.members}
    claims = {"htm": "GET", "htu": "https://localhost:8243/orders", "iat": 2**31, "jti": text(number, 2_000)}
    proof = f"{encoded(header)}.{encoded(claims)}.{'a' * 86}"
    return get("/orders", f"Authorization: DPoP {number:040d}", f"DPoP: {proof}")


def forwarded(number: int) -> bytes:
    hops = ", ".join(f'for="[2001:db8:{number:x}::{place:x}]"' for place in range(10))
    addresses = ", ".join(f"2001:db8:{number:x}::{place:x}" for place in range(10))
    return get("/open", f"Forwarded: {hops}", f"X-Forwarded-For: {addresses}", f"X-Forwarded-Host: h{number}")


PLACES = [f"{place:04x}".ljust(40, "a") for place in range(SIZE // 50)]


def many_names(number: int) -> bytes:
    """A set of names takes more memory than their text."""
    return get("/open", f"Connection: {f',x{number:04x}'.join(PLACES)}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request, each by its number, and the status that it gets."""

    name: str
    request: Callable[[int], bytes]
    status: int
    at_once: int = 10
    """Requests that a client sends in one go on a connection."""
    connections: int = 16


KINDS = [
    Kind("Host", lambda number: get("/open", host=text(number, SIZE)), 400, at_once=1),
    Kind("Connection", many_names, 200),
    Kind("forged JWTs", forged_jwt, 401),
    # Each refusal is held back for a tenth of a second.
    Kind("Basic credentials", basic, 401, at_once=1, connections=200),
    Kind("queries", lambda number: get(f"/open?{text(number, 7_000)}"), 200),
    Kind("paths", lambda number: get(f"/open/{text(number, 7_000)}"), 200),
    Kind("DPoP proofs", dpop, 401),
    Kind("Forwarded", forwarded, 200),
]


class Upstream(asyncio.Protocol):
    """Answers every request, which has no body."""

    def __init__(self, transports: set[asyncio.Transport]) -> None:
        self._transports = transports
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._transports.add(transport)

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * len(heads))

    def connection_lost(self, error: Exception | None) -> None:
        self._transports.discard(self._transport)


@asynccontextmanager
async def quick_upstream() -> AsyncIterator[str]:
    """Its URL."""
    transports: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(transports), "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for transport in transports:
        transport.abort()
    await until(lambda: not transports)


class Client:
    """Sends requests of one kind one after the other, on a new connection where the gateway closes one."""

    def __init__(self, url: str, kind: Kind) -> None:
        self._address = urlsplit(url)
        self._kind = kind

    async def send(self, numbers: Sequence[int]) -> None:
        reader, writer = await self._connected()
        for start in range(0, len(numbers), self._kind.at_once):
            several = numbers[start : start + self._kind.at_once]
            writer.write(b"".join(map(self._kind.request, several)))
            closes = [await self._closes(reader) for _ in several]
            if any(closes):
                await closed(writer)
                reader, writer = await self._connected()
        await closed(writer)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._address.hostname, self._address.port)

    async def _closes(self, reader: asyncio.StreamReader) -> bool:
        """Reads a response; whether it is the last one of the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert int(head[9:12]) == self._kind.status, (self._kind.name, head)
        length = head.partition(b"content-length: ")[2]
        await reader.readexactly(int(length.split()[0]))
        return b"\r\nconnection: close" in head


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def send(url: str, kind: Kind, begin: int, count: int) -> None:
    shares = [range(begin + one, begin + count, kind.connections) for one in range(kind.connections)]
    await asyncio.gather(*(Client(url, kind).send(share) for share in shares))


def resident(running: Running) -> float:
    """MiB of memory of the process that serves."""
    (worker,) = running.children() or [running.pid]
    status = Path(f"/proc/{worker}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def growth(running: Running) -> dict[str, float]:
    """MiB that each kind of request adds."""
    for kind in KINDS:
        await send(running.http, kind, 0, WARM_UP)
    last, grown = resident(running), {}
    for kind in KINDS:
        await send(running.http, kind, WARM_UP, REQUESTS)
        now = resident(running)
        grown[kind.name], last = round(now - last, 1), now
    return grown


@pytest.mark.timeout(300)
async def test_memory_of_a_worker_stays_bounded_under_large_distinct_requests(gateway: StartGateway) -> None:
    """On both paths at once: two gateways."""
    async with quick_upstream() as url:
        server = {"trusted_proxies": ["127.0.0.1/32"]}
        by_path = {
            name: gateway(configuration(url, server={**server, "fast_lane": name == "fast_path"}))
            for name in ("fast_path", "aiohttp")
        }
        found = await asyncio.gather(*map(growth, by_path.values()))
        grown = dict(zip(by_path, found, strict=True))
        for running in by_path.values():
            await asyncio.to_thread(running.stop)
    assert {name: sum(by_kind.values()) < MOST_GROWTH for name, by_kind in grown.items()} == dict.fromkeys(
        grown, True
    ), f"MiB by kind: {grown}"
