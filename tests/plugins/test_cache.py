"""Responses come from the store as RFC 9111 has it, and nobody gets what is another's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.plugin import PluginContext, StoreUnavailable
from gateway.proxy.forward_head import build_forward_head
from plugins.cache import Cache
from plugins.cache_keys import bypasses
from plugins.cache_turn import CacheRecorder
from tests.conftest import Valkey
from tests.plugins.exchanges import exchange, made
from tests.raw import LIMIT, RawMessage, RawUpstream, answer, raw_upstream, says
from tests.running import Running
from tests.web_gateway import ask_for_token, web_config


@dataclass
class Origin:
    """Answers with what it is told to, and with how often it has been asked."""

    upstream: RawUpstream
    headers: tuple[str, ...] = ("Cache-Control: max-age=60",)
    status: str = "200 OK"
    body: bytes | None = None
    gate: asyncio.Event | None = None
    """What it waits for; set from another event loop."""

    @property
    def asked(self) -> int:
        return len(self.upstream.requests)

    async def answer(
        self, request: RawMessage, _: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        number = self.asked
        async with asyncio.timeout(LIMIT):
            while self.gate is not None and not self.gate.is_set():  # noqa: ASYNC110 (as said above)
                await asyncio.sleep(0.005)
        if request.header("If-None-Match") == '"known"':
            status, body = "304 Not Modified", b""
        else:
            shown = request.header("X-Client-Id") or request.header("Cookie") or ""
            status, body = self.status, self.body or f"{number} {shown}".encode()
        length = [] if status.startswith("304") else [f"Content-Length: {len(body)}"]
        lines = [f"HTTP/1.1 {status}", *length, *self.headers, f"X-Number: {number}", "", ""]
        writer.write("\r\n".join(lines).encode() + (b"" if request.method == "HEAD" else body))
        await writer.drain()
        return True


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        yield upstream


def config(backend: RawUpstream, store: str) -> dict[str, Any]:
    found = web_config(backend, store, "cache:")
    to = {"upstream": "backend"}
    use = {"use": "cache"}
    few = {"use": "cache", "with": {"entries": 3, "max": 100, "status": False}}
    found["routes"] = [
        {"path": "/open", "auth": "none", "plugins": [use], **to},
        {"path": "/few", "auth": "none", "plugins": [few], **to},
        {"path": "/compressed", "auth": "none", "plugins": [use, {"use": "compress"}], **to},
        {"path": "/closed", "plugins": [use], **to},
    ]
    found["upstreams"]["backend"].update(breaker=None, timeouts={"response": "10s"})
    return found


@pytest.fixture(scope="module")
def both(
    backend: RawUpstream, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, Running]]:
    """Two gateways with one store."""
    folders = [tmp_path_factory.mktemp("cache") for _ in range(2)]
    running = [Running(config(backend, valkey.url), folder) for folder in folders]
    for one in running:
        one.await_ready()
    yield running[0], running[1]
    for one in running:
        one.stop()


@pytest.fixture
async def running(both: tuple[Running, Running], valkey: Valkey) -> Running:
    for one in (*both, *both):
        # What comes back behind these has been asked of the store behind all that was written before.
        await ask(one, "/open/nothing", "Cache-Control: only-if-cached")
    with valkey.client as client:
        client.delete(*client.keys("cache:c:*") or ["cache:none"])
    return both[0]


@pytest.fixture
def origin(backend: RawUpstream) -> Origin:
    found = Origin(backend)
    backend.reset(found.answer)
    return found


TARGETS = iter(range(10_000))


@pytest.fixture
def page() -> str:
    """A target of its own: what a worker remembers of another test's does not matter."""
    return f"/open/{next(TARGETS)}"


async def ask(running: Running, target: str, *headers: str, method: str = "GET") -> RawMessage:
    lines = [f"{method} {target} HTTP/1.1", "Host: a", *headers, "", ""]
    async with await running.connect() as client:
        request = "\r\n".join(lines).encode()
        await client.send(request)
        found = await client.receive(body=False)
        if method != "HEAD" and found.status != 304:
            found.body = await client.reader.readexactly(int(found.header("Content-Length") or 0))
        return found


async def token_of(running: Running, client_id: str) -> str:
    async with await running.connect() as client:
        found = await ask_for_token(client, who=f"{client_id}:{client_id}-secret")
    return f"Authorization: Bearer {json.loads(found.content)['access_token']}"


async def stored(valkey: Valkey, number: int = 1) -> None:
    """Waits until so many responses are in the store: they get there behind their own."""
    async with asyncio.timeout(LIMIT):
        while len(valkey.client.keys("cache:c:[^g]*")) < number:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.005)


async def test_a_fresh_response_comes_from_the_store_on_every_gateway(
    both: tuple[Running, Running], running: Running, origin: Origin, valkey: Valkey, page: str
) -> None:
    origin.headers = ("Cache-Control: max-age=60000", "Age: 7", "X-Own: 1")
    first = await ask(running, page)
    assert first.header("Cache-Status") == "gatepost; fwd=uri-miss; fwd-status=200; stored"
    await stored(valkey)
    for one in both:
        found = await ask(one, page)
        assert (found.status, found.body, found.header("X-Own")) == (200, first.body, "1")
        assert len(found.all("Date")) == 1
        assert int(found.header("Age") or 0) >= 7
        assert (found.header("Cache-Status") or "").startswith("gatepost; hit; ttl=59")
        assert found.header("X-Request-Id") != first.header("X-Request-Id")
    head = await ask(running, page, method="HEAD")
    assert (head.status, head.header("Content-Length")) == (200, str(len(first.body)))
    assert origin.asked == 1


async def test_each_client_gets_its_own_unless_the_origin_says_that_it_is_for_all(
    running: Running, origin: Origin, valkey: Valkey
) -> None:
    demo, other = [await token_of(running, name) for name in ("demo", "other")]
    mine = await ask(running, "/closed/own", demo)
    await stored(valkey)
    theirs = await ask(running, "/closed/own", other)
    await stored(valkey, 2)
    assert (mine.body, theirs.body) == (b"1 demo", b"2 other")
    for token, expected in ((demo, mine), (other, theirs)):
        assert (await ask(running, "/closed/own", token)).body == expected.body
    origin.headers = ("Cache-Control: public, max-age=60",)
    shared = await ask(running, "/closed/shared", demo)
    await stored(valkey, 3)
    assert (await ask(running, "/closed/shared", other)).body == shared.body
    assert origin.asked == 3
    for target in ("/closed/own", "/closed/shared"):
        assert (await ask(running, target)).status == 401
        assert (await ask(running, target, demo + "x")).status == 401


async def test_sessions_by_cookie_and_credentials_for_the_upstream_are_distinguished(
    running: Running, origin: Origin, valkey: Valkey, page: str
) -> None:
    callers = ["Cookie: session=a", "Cookie: session=b", "Authorization: Basic YTpi", "X-Nothing: 1"]
    answers = []
    for number, caller in enumerate(callers, 1):
        answers.append((await ask(running, page, caller)).body)
        await stored(valkey, number)
    assert origin.asked == len(set(answers)) == 4
    assert [(await ask(running, page, caller)).body for caller in callers] == answers


@pytest.mark.parametrize(
    "headers",
    [
        ("Cache-Control: no-store",),
        ("Cache-Control: private, max-age=60",),
        ("Cache-Control: max-age=60", "Set-Cookie: a=b"),
        ("Cache-Control: max-age=60", "Vary: *"),
        (),
    ],
)
async def test_what_may_not_be_stored_is_asked_for_each_time(
    running: Running, origin: Origin, page: str, headers: tuple[str, ...]
) -> None:
    origin.headers = headers
    found = [await ask(running, page) for _ in range(2)]
    assert [one.body for one in found] == [b"1 ", b"2 "]
    assert found[0].header("Cache-Status") == "gatepost; fwd=uri-miss; fwd-status=200"


async def test_variants_are_kept_beside_each_other(
    running: Running, origin: Origin, valkey: Valkey, page: str
) -> None:
    origin.headers = ("Cache-Control: max-age=60", "Vary: Accept-Language")
    for number, language in enumerate(("de", "fr"), 1):
        assert (await ask(running, page, f"Accept-Language: {language}")).body == f"{number} ".encode()
        await stored(valkey, number + 1)
    found = [await ask(running, page, f"Accept-Language: {language}") for language in ("de", "fr", "it")]
    assert [one.body for one in found] == [b"1 ", b"2 ", b"3 "]
    assert (found[2].header("Cache-Status") or "").startswith("gatepost; fwd=vary-miss")


async def test_what_is_stale_is_asked_about(
    running: Running, origin: Origin, valkey: Valkey, page: str
) -> None:
    origin.headers = ("Cache-Control: no-cache", 'ETag: "known"')
    first = await ask(running, page)
    await stored(valkey)
    again = await ask(running, page)
    assert (again.status, again.body, again.header("X-Number")) == (200, first.body, "2")
    assert again.header("Cache-Status") == "gatepost; fwd=stale; fwd-status=304; stored"
    assert again.header("Content-Length") == str(len(first.body))
    known = await ask(running, page, 'If-None-Match: "known"')
    assert (known.status, known.header("ETag")) == (304, '"known"')
    assert [one.header("If-None-Match") for one in origin.upstream.requests] == [None, '"known"', '"known"']


async def test_where_the_upstream_fails_a_stale_response_is_better_than_none(
    running: Running, origin: Origin, valkey: Valkey, page: str
) -> None:
    origin.headers = ("Cache-Control: max-age=0, stale-if-error=600", 'ETag: "known"')
    first = await ask(running, page)
    await stored(valkey)

    async def breaks(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        return False

    for fails in (breaks, says(answer("503 Away", b"x" * 5000, "Connection: close"))):
        origin.upstream.conversation = fails
        found = await ask(running, page)
        assert (found.status, found.body) == (200, first.body)
        assert found.header("Cache-Status") == "gatepost; fwd=stale; detail=stale-if-error"
        assert (await ask(running, f"{page}/never")).status in (502, 503)
        assert (await ask(running, page, "Cache-Control: no-cache")).status in (502, 503)


async def test_a_client_that_has_it_is_told_so_and_may_demand_more(
    running: Running, origin: Origin, valkey: Valkey, page: str
) -> None:
    origin.headers = ("Cache-Control: max-age=60", 'ETag: "1"')
    assert (await ask(running, page, "Cache-Control: only-if-cached")).status == 504
    await ask(running, page)
    await stored(valkey)
    known = await ask(running, page, 'If-None-Match: W/"1"')
    assert (known.status, known.header("ETag"), known.header("Content-Length")) == (304, '"1"', None)
    assert (await ask(running, page, "Cache-Control: only-if-cached")).status == 200
    assert origin.asked == 1
    for demand in (
        "Cache-Control: no-cache",
        "Pragma: no-cache",
        "Cache-Control: no-store",
        "Range: bytes=0-1",
    ):
        await ask(running, page, demand)
    assert origin.asked == 5


async def test_of_many_alike_one_goes_upstream(running: Running, origin: Origin, page: str) -> None:
    origin.gate = asyncio.Event()
    async with AsyncExitStack() as connections:
        clients = [await connections.enter_async_context(await running.connect()) for _ in range(20)]
        for client in clients:
            await client.send(f"GET {page} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await origin.upstream.next(1)
        await ask(running, "/nowhere")
        origin.gate.set()
        found = [await client.receive() for client in clients]
    assert origin.asked == 1
    assert {one.body for one in found} == {b"1 "}
    ways = [one.header("Cache-Status") or "" for one in found]
    assert sum(way.endswith("; stored") for way in ways) == 1
    assert sum(way.endswith("; collapsed") for way in ways) > 1


async def test_those_who_wait_in_vain_are_all_sent(running: Running, origin: Origin, page: str) -> None:
    origin.headers, origin.gate = ("Cache-Control: no-store",), asyncio.Event()
    asking = [asyncio.create_task(ask(running, page)) for _ in range(5)]
    await origin.upstream.next(1)
    origin.gate.set()
    assert len({one.body for one in await asyncio.gather(*asking)}) == 5


async def test_one_that_goes_away_leaves_nobody_waiting(running: Running, origin: Origin, page: str) -> None:
    origin.gate = asyncio.Event()
    async with await running.connect() as client:
        await client.send(f"GET {page} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await origin.upstream.next(1)
        waiting = asyncio.create_task(ask(running, page))
        await ask(running, "/nowhere")
    await origin.upstream.next(2)
    origin.gate.set()
    assert (await waiting).status == 200


async def test_a_response_that_breaks_off_is_not_stored(
    running: Running, origin: Origin, valkey: Valkey, page: str
) -> None:
    half = (
        b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf"
    )
    origin.upstream.conversation = says(half)
    async with await running.connect() as client:
        await client.send(f"GET {page} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert (await client.rest()).endswith(b"half")
    origin.upstream.conversation = origin.answer
    assert (await ask(running, page)).body == b"2 "
    await stored(valkey)
    assert (await ask(running, page)).body == b"2 "


async def test_an_unsafe_request_makes_void_what_it_has_changed_everywhere(
    both: tuple[Running, Running], running: Running, origin: Origin, valkey: Valkey, page: str
) -> None:
    await ask(running, page)
    await ask(running, f"{page}/new")
    await stored(valkey, 2)
    origin.headers, origin.status = (f"Location: {page}/new",), "201 Created"
    await ask(both[1], page, method="POST")
    origin.headers, origin.status = ("Cache-Control: max-age=60",), "200 OK"
    assert (await ask(running, page)).body == b"4 "
    assert (await ask(running, f"{page}/new")).body == b"5 "
    origin.status = "400 Bad Request"
    await ask(running, page, method="DELETE")
    assert (await ask(both[1], page)).body in (b"4 ", b"7 ")


async def test_nobody_who_writes_to_the_store_makes_up_a_response(
    running: Running, origin: Origin, valkey: Valkey, page: str
) -> None:
    await ask(running, page)
    await ask(running, f"{page}/other")
    await stored(valkey, 2)
    one, other = valkey.client.keys("cache:c:[^g]*")
    held = valkey.client.get(one) or b""
    valkey.client.set(one, valkey.client.get(other) or b"")
    valkey.client.set(other, held[:-9] + (b"A" if held[-9:-8] != b"A" else b"B") + held[-8:])
    assert (await ask(running, page)).body == b"3 "
    assert (await ask(running, f"{page}/other")).body == b"4 "


async def test_the_store_keeps_few_and_small_ones(running: Running, origin: Origin, valkey: Valkey) -> None:
    for number in range(12):
        assert (await ask(running, f"/few/{number}")).header("Cache-Status") is None
    await stored(valkey)
    assert len(valkey.client.keys("cache:c:*")) <= 3
    origin.body = b"x" * 101
    assert [(await ask(running, "/few/large")).body for _ in range(2)] == [origin.body] * 2
    assert origin.asked == 14


async def test_what_is_stored_is_compressed_for_each_who_asks(
    running: Running, origin: Origin, valkey: Valkey
) -> None:
    origin.body = json.dumps(list(range(1000))).encode()
    origin.headers = ("Cache-Control: max-age=60", "Content-Type: application/json")
    for accepts in ("gzip", "identity", "gzip"):
        async with await running.connect() as client:
            found = await client.ask(
                f"GET /compressed HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accepts}\r\n\r\n".encode()
            )
        assert (found.header("Content-Encoding") or "identity") == accepts
        assert found.header("Vary") == "Accept-Encoding"
        await stored(valkey)
    assert origin.asked == 1


def test_a_body_that_is_too_large_is_handed_on_and_not_kept() -> None:
    kept: list[bytes] = []
    passed: list[bool] = []
    for size in (3, 4):
        recorder = CacheRecorder(3, kept.append, lambda: passed.append(True))
        assert [recorder.feed(b"x") for _ in range(size)] == [b"x"] * size
        assert recorder.finish() == b""
    assert (kept, passed) == ([b"xxx"], [True])


class NoStore:
    """Cached responses in a store that can't be reached."""

    async def fail(self, *_: object) -> None:
        raise StoreUnavailable("away")

    get = put = generation = invalidate = fail


async def test_without_the_store_requests_go_upstream() -> None:
    cache = made(Cache, replace(PluginContext(lambda: 0.0), responses=NoStore()))  # type: ignore[arg-type]  # as far as it is used
    sent = exchange()
    sent.forward = build_forward_head(sent)
    before = list(sent.forward.headers)
    assert await cache.on_forward(sent) is None
    assert sent.forward.headers == before


def test_what_asks_for_a_part_or_brings_a_body_passes_by() -> None:
    assert not bypasses(exchange().request)
    for header in (
        (b"Range", b"bytes=0-1"),
        (b"If-Match", b"*"),
        (b"Content-Length", b"3"),
        (b"Upgrade", b"x"),
    ):
        assert bypasses(exchange("/orders/7", header).request)
