"""Thousands of mutated requests, each in one TCP segment and in two: the fast path and aiohttp do the same.

The same status for the client, the same bytes upstream. `GATEPOST_DIFFERENTIAL=20000` is the long edition;
`GATEPOST_DIFFERENTIAL_SEED` chooses other requests.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import Valkey
from tests.exactness.conftest import WAYS, exact_config
from tests.exactness.raw_requests import SOUND, UNSOUND
from tests.ports import free_port
from tests.raw import RawUpstream
from tests.running import Running

MANY = int(os.environ.get("GATEPOST_DIFFERENTIAL", "2000"))
SEED = os.environ.get("GATEPOST_DIFFERENTIAL_SEED", "0")
PARTS = 5
"""Tests that share the requests."""
SLOTS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"]
"""Requests that are under way at once, each with routes and upstreams of its own: no mutation makes one name
of another."""
TIMEOUTS = (0.4, 3.0, 12.0)
"""Seconds without an answer; the second and the third where the ways differ, which a busy machine can make
them: a request that it has not read within that time reaches the upstream along with the next one."""

BASES = [
    *(data for name, data in SOUND.items() if name not in ("request in a body", "expect")),
    *(data for name, data in UNSOUND.items() if "smuggled" not in data.decode("latin-1")),
]
BYTES = [bytes([code]) for code in b'\0\1\t\n\x0b\r !"#%&,/:;=?@A[]^_|~\x7f\x80\xff0159'] + [
    b"\r\n",
    b"\r\n ",
]
PATH_PIECES = [
    b"//", b"/", b"%2F", b"%2f", b"%5C", b"%0A", b"%00", b"%7f", b"%3B", b";", b";x=1", b"%2e%2e",
    b"/..", b"/.", b"..;a/", b"%252F", b"%61", b"%C3%A9", b"%ff", b"%c0%ae", b"A", b"[1]", b"^", b"|",
    b"{", b"%", b"?", b"#", b"/guarded", b"/Guarded", b"/strip", b"/strip/", b"/STRIP/x", b"/strip//x",
    b"/strip%2Fx", b"/guarded;x",
]  # fmt: skip
LINES = [
    b"Host: api.test", b"host: b.test", b"Authorization: Bearer t", b"Authorization: Basic YTpi",
    b"authorization: DPoP x", b"Content-Type: a/b", b"Content-Length: 3", b"Content-Length: 0",
    b"Transfer-Encoding: chunked", b"User-Agent: a", b"ETag: a", b"Server: a", b"Max-Forwards: 1",
    b"Content-Location: /a", b"Content-Range: bytes 0-1/2", b"X-HTTP-Method-Override: DELETE",
    b"x_http_method: PUT", b"X-Original-URL: /admin", b"X.Rewrite.URL: /", b"Te: trailers",
    b"X-Forwarded-Prefix: /a", b"X-Forwarded-For: 6.6.6.6", b"X_Client_Id: admin",
    b"Forwarded: for=6.6.6.6", b"Connection: x-a, host", b"Connection: close",
    b"Connection: keep-alive", b"Keep-Alive: 5", b"Via: 1.0 cdn", b"Cookie: a=b", b"X-A:", b"X-A:\t1\t",
    b"X-A: \xe9", b"Upgrade: h2c", b"Expect: nothing", b"Trailer: X-B", b"Accept: */*",
    b"Cookie:" + b" " * 300 + b"\x01",
]  # fmt: skip


def mutated(chance: random.Random, slot: str) -> bytes:
    """A request to the slot's routes, changed in its path, its headers, or anywhere by accident."""
    data = chance.choice(BASES).replace(b"/open", b"/" + slot.encode())
    for _ in range(chance.randint(1, 3)):
        data = chance.choice((with_piece, with_line, with_accident))(chance, data)
    return data


def with_piece(chance: random.Random, data: bytes) -> bytes:
    start = data.find(b" /") + 1
    end = data.find(b" ", start)
    place = chance.choice([end, chance.randint(start, max(start, end))])
    return data[:place] + chance.choice(PATH_PIECES) + data[place:]


def with_line(chance: random.Random, data: bytes) -> bytes:
    head, mark, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    lines.insert(chance.randint(1, len(lines)), chance.choice(LINES))
    return b"\r\n".join(lines) + mark + body


def with_accident(chance: random.Random, data: bytes) -> bytes:
    place, width = chance.randint(0, len(data)), chance.randint(0, 3)
    return data[:place] + chance.choice([b"", *BYTES]) + data[place + width :]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one way has made of a request."""

    status: int | None
    """Of the first answer; None: there was none in time."""
    upstream: tuple[bytes, ...]
    """The heads and bodies that went upstream, without the request's id."""


@dataclass(slots=True)
class Way:
    """A gateway, and the upstreams of its slots."""

    port: int
    upstreams: dict[str, RawUpstream]

    async def ask(self, slot: str, pieces: list[bytes], within: float) -> Outcome:
        upstream = self.upstreams[slot]
        upstream.reset()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answer = asyncio.ensure_future(first_status(reader))
        for piece in pieces:
            if not answer.done():
                writer.write(piece)
                # So that what follows comes in a segment of its own.
                await asyncio.sleep(0.004 if len(pieces) > 1 else 0)
        status = None
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            status = await asyncio.wait_for(answer, within)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return Outcome(status, tuple(map(without_id, upstream.requests)))


async def first_status(reader: asyncio.StreamReader) -> int:
    """The status of the first answer that is not informational."""
    status = 100
    while status // 100 == 1:
        status = int((await reader.readuntil(b"\r\n\r\n"))[9:12])
    return status


def without_id(message: Any) -> bytes:
    lines = message.head.split(b"\r\n")
    kept = b"\r\n".join(line for line in lines if not line.startswith(b"X-Request-Id: "))
    # A chunked body is cut into other chunks where it comes in other pieces.
    return kept + bytes(message.content)


@pytest.fixture(scope="module")
def ports() -> dict[str, dict[str, int]]:
    """Where the upstreams of each way listen, slot by slot."""
    return {name: {slot: free_port() for slot in SLOTS} for name in WAYS}


@pytest.fixture(scope="module")
def gateways(
    ports: dict[str, dict[str, int]], valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Running]]:
    """The gateway with the fast path, and the one without."""
    running = {}
    for name in WAYS:
        config = exact_config(1, valkey.url, fast_path=name == "fast_path")
        settings = config["upstreams"].pop("backend")
        config["routes"] = []
        for slot, port in ports[name].items():
            servers = [{"url": f"http://127.0.0.1:{port}"}]
            config["upstreams"][slot] = {**settings, "servers": servers}
            to = {"upstream": slot, "strip_prefix": False}
            config["routes"] += [
                {"path": f"/{slot}", "auth": "none", **to},
                {"path": f"/{slot}/guarded", "scopes": ["read"], **to},
                {"path": f"/{slot}/strip", "auth": "none", "upstream": slot},
            ]
        running[name] = Running(config, tmp_path_factory.mktemp("ways"))
        running[name].await_ready()
    yield running
    for one in running.values():
        one.stop()


@asynccontextmanager
async def listening(
    gateways: dict[str, Running], ports: dict[str, dict[str, int]]
) -> AsyncIterator[list[Way]]:
    """Both ways, with their upstreams in this test's loop."""
    async with AsyncExitStack() as stack:
        ways = []
        for name, slots in ports.items():
            upstreams = {slot: RawUpstream() for slot in slots}
            for slot, port in slots.items():
                server = await asyncio.start_server(upstreams[slot].serve, "127.0.0.1", port)
                stack.callback(server.close)
            ways.append(Way(int(gateways[name].http.rpartition(":")[2]), upstreams))
        yield ways


def refused_by_its_head(found: set[Outcome], data: bytes, cut: int) -> bool:
    """What its head is refused for is said before the rest of a body has come that is malformed as well."""
    statuses = {outcome.status or 0 for outcome in found}
    in_body = cut >= data.find(b"\r\n\r\n") + 4 > 3
    return (
        in_body
        and not any(outcome.upstream for outcome in found)
        and all(400 <= one < 500 for one in statuses)
    )


def refused_by_what_follows(found: list[set[Outcome]], data: bytes) -> bool:
    """A parser that is given a chunked request along with bytes behind it that are no request refuses both.

    Where these come later the request has been answered. Both ways do the same for each cut.
    """
    refused = [one for outcomes in found for one in outcomes if (one.status or 0) >= 400]
    return (
        all(len(outcomes) == 1 for outcomes in found)
        and not any(one.upstream for one in refused)
        and data.partition(b"0\r\n\r\n")[2] != b""
    )


async def compare(ways: list[Way], slot: str, data: bytes, cut: int) -> str | None:
    """What differs, if anything does."""
    found: list[set[Outcome]] = []
    for within in TIMEOUTS:
        found = [
            set(await asyncio.gather(*(way.ask(slot, pieces, within) for way in ways)))
            for pieces in ([data], [data[:cut], data[cut:]])
        ]
        all_found = found[0] | found[1]
        if len(all_found) == 1 or refused_by_its_head(all_found, data, cut):
            return None
        if refused_by_what_follows(found, data):
            return None
    return f"{data!r} cut at {cut}: whole {found[0]}, cut {found[1]}"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
async def test_both_paths_do_the_same(
    gateways: dict[str, Running], ports: dict[str, dict[str, int]], part: int
) -> None:
    share = MANY // PARTS // len(SLOTS)
    async with listening(gateways, ports) as ways:

        async def work(slot: str) -> list[str]:
            # One for each slot: the same requests in every run, whatever order the slots come in.
            chance = random.Random(f"{SEED} {part} {slot}")  # noqa: S311
            differences = []
            for _ in range(share):
                data = mutated(chance, slot)
                difference = await compare(ways, slot, data, chance.randint(1, max(1, len(data) - 1)))
                if difference is not None:
                    differences.append(difference)
            return differences

        found = [text for texts in await asyncio.gather(*map(work, SLOTS)) for text in texts]
    assert not found, "\n".join(found[:20])
