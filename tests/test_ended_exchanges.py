"""What has ended, however it did, is freed at once: nothing of it waits for the garbage collector.

A worker collects seldom, and requests wait meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from gateway.app import Gateway
from gateway.config.load import load_text
from gateway.plugin import Exchange, ProxyPlugin
from gateway.plugin.catalog import PluginCatalog
from gateway.telemetry import Telemetry
from tests.conftest import Valkey
from tests.garbage import found_by_the_collector
from tests.raw import Conversation, RawClient, RawMessage, RawUpstream, answer, raw_upstream, until
from tests.test_app import served
from tests.web_gateway import request

TIMES = 3
"""Clients of each kind."""
WAITING: list[ProxyPlugin] = []
"""Hooks that have begun to wait."""


class WaitsBefore(ProxyPlugin):
    """Has a hook that waits for longer than its client."""

    async def on_request(self, _: Exchange) -> None:
        WAITING.append(self)
        await asyncio.sleep(60)


class WaitsBehind(ProxyPlugin):
    """The same behind the upstream's response."""

    async def on_response(self, _: Exchange) -> None:
        WAITING.append(self)
        await asyncio.sleep(60)


def config(upstream: str, state: Path, *, fast_path: bool) -> str:
    there, calm = {"servers": [{"url": upstream}]}, {"breaker": {"failures": 1000}}
    login = {"token_url": f"{upstream}/token", "client_id": "a", "client_secret": "b"}
    hooks = {"before": WaitsBefore, "behind": WaitsBehind}
    to = {"upstream": "patient", "auth": "none"}
    return yaml.safe_dump(
        {
            "server": {"state_dir": str(state), "fast_lane": fast_path, "timeouts": {"body": "200ms"}},
            "tokens": {"key": "k" * 32},
            "upstreams": {
                "patient": there | calm,
                "hasty": {"timeouts": {"response": "100ms"}, **there, **calm},
                "away": {"servers": [{"url": "http://127.0.0.1:1"}], **calm},
                "known": {"auth": {"client_credentials": login}, **there},
            },
            "routes": [
                *(
                    to | {"path": f"/{name}", "upstream": name}
                    for name in ("patient", "hasty", "away", "known")
                ),
                *(
                    {"path": f"/{name}", "plugins": [{"use": f"{__name__}:{kind.__name__}"}], **to}
                    for name, kind in hooks.items()
                ),
            ],
        }
    )


Client = Callable[[RawClient, RawUpstream], Awaitable[object]]


class Stage:
    """A gateway and its upstream."""

    def __init__(self, gateway: Gateway, port: int, telemetry: Telemetry, upstream: RawUpstream) -> None:
        self._gateway = gateway
        self._port = port
        self.telemetry = telemetry
        self.upstream = upstream

    async def left_by(self, client: Client) -> Counter[str]:
        """What some clients, each with a connection of its own, leave to the collector."""
        await self._connected(client)  # what is made once is made
        with found_by_the_collector() as found:
            for _ in range(TIMES):
                await self._connected(client)
        return found

    async def _connected(self, client: Client) -> None:
        self.upstream.requests.clear()
        WAITING.clear()
        async with await RawClient.connect("127.0.0.1", self._port) as connected:
            await client(connected, self.upstream)
        server = self._gateway.runner.server
        assert server is not None
        await until(lambda: not (server.connections or self.telemetry.in_flight))
        for _ in range(10):
            await asyncio.sleep(0)  # what was cancelled ends


@pytest.fixture(params=["fast path", "aiohttp"])
async def stage(request: pytest.FixtureRequest, valkey: Valkey, tmp_path: Path) -> AsyncIterator[Stage]:
    with raw_upstream() as upstream:
        text = config(upstream.url, tmp_path, fast_path=request.param == "fast path")
        telemetry = Telemetry()
        gateway = Gateway(load_text(text, {}, PluginCatalog()), store_url=valkey.url, telemetry=telemetry)
        async with served(gateway) as session:
            port = urlsplit(str(session._base_url)).port
            assert port is not None
            yield Stage(gateway, port, telemetry, upstream)


# How the upstream ends.


def ends_with(data: bytes) -> Conversation:
    """Says so much and closes."""

    async def conversation(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        return False

    return conversation


async def silent(_: RawMessage, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> bool:
    """Waits until the gateway closes."""
    await reader.read()
    return False


async def send(segments: Sequence[bytes], connected: RawClient, upstream: RawUpstream) -> None:
    """Sends the parts of a request, all but the first once the upstream has its head."""
    first, *others = segments
    await connected.send(first)
    for segment in others:
        await until(lambda: upstream.requests)
        await connected.send(segment)


def asks(*segments: bytes, status: int | None) -> Client:
    """Sends a request and reads all that comes. `status`: None: whatever it is."""

    async def client(connected: RawClient, upstream: RawUpstream) -> None:
        await send(segments, connected, upstream)
        with suppress(ConnectionError):
            told = await connected.rest()
            assert status is None or told.startswith(b"HTTP/1.1 %d " % status)

    return client


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"


@pytest.mark.parametrize(
    ("path", "told", "status"),
    [
        ("/patient", answer("200 OK", b"hello", "Connection: close"), 200),
        ("/patient", answer(), 200),
        ("/patient", CHUNKED + b"0\r\n\r\n", 200),
        ("/patient", b"HTTP/1.0 200 OK\r\n\r\nhello", 200),
        ("/patient", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", None),
        ("/patient", CHUNKED, None),
        ("/patient", b"", 502),
        ("/patient", b"hello\r\n\r\n", 502),
        ("/away", b"", 502),
    ],
)
async def test_an_upstream_that_closes_leaves_nothing_to_the_collector(
    stage: Stage, path: str, told: bytes, status: int | None
) -> None:
    stage.upstream.reset(ends_with(told))
    assert not await stage.left_by(asks(request(path, "Connection: close"), status=status))


async def test_nor_does_one_that_is_too_slow(stage: Stage) -> None:
    stage.upstream.reset(silent)
    assert not await stage.left_by(asks(request("/hasty", "Connection: close"), status=504))


# How the client does.


def goes(data: bytes) -> Client:
    """Sends so much, waits until the upstream has heard of it, and goes."""

    async def client(connected: RawClient, upstream: RawUpstream) -> None:
        await connected.send(data)
        await until(lambda: upstream.requests)

    return client


UPLOAD = request("/patient", "Content-Length: 1000", method="POST") + b"begin"
CHUNKED_UPLOAD = request("/patient", "Transfer-Encoding: chunked", method="POST") + b"5\r\nbegin\r\n"


@pytest.mark.parametrize(
    "sent",
    [request("/patient"), request("/patient") * 2, UPLOAD, CHUNKED_UPLOAD],
    ids=["a request", "two at once", "an upload", "a chunked upload"],
)
async def test_a_client_that_goes_leaves_nothing_to_the_collector(stage: Stage, sent: bytes) -> None:
    stage.upstream.reset(silent)
    stage.upstream.heads_alone = True
    assert not await stage.left_by(goes(sent))


async def test_nor_does_one_that_goes_while_the_gateway_signs_in(stage: Stage) -> None:
    async def client(connected: RawClient, _: RawUpstream) -> None:
        await connected.send(request("/known"))
        await until(lambda: stage.telemetry.in_flight)

    stage.upstream.reset(silent)
    assert not await stage.left_by(client)


@pytest.mark.parametrize("path", ["/before", "/behind"])
async def test_nor_does_one_that_goes_while_a_hook_waits(stage: Stage, path: str) -> None:
    async def client(connected: RawClient, _: RawUpstream) -> None:
        await connected.send(request(path))
        await until(lambda: WAITING)

    stage.upstream.reset(ends_with(answer()))
    assert not await stage.left_by(client)


async def test_nor_does_one_that_goes_in_the_midst_of_events(stage: Stage) -> None:
    async def events(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(CHUNKED)
        return await silent(_, reader, writer)

    async def client(connected: RawClient, _: RawUpstream) -> None:
        await connected.send(request("/patient"))
        await connected.reader.readuntil(b"ok")

    stage.upstream.reset(events)
    assert not await stage.left_by(client)


@pytest.mark.parametrize(
    ("segments", "status"),
    [
        ((CHUNKED_UPLOAD, b"zz\r\n"), 400),
        ((UPLOAD,), 408),
        ((request("/patient", "Content-Length: 99999999", method="POST") + b"begin",), 413),
        ((request("/patient", "Host : a"),), 400),
    ],
    ids=["a chunk that is none", "too slow", "too large", "a malformed header"],
)
async def test_nor_does_one_that_is_refused(stage: Stage, segments: tuple[bytes, ...], status: int) -> None:
    stage.upstream.reset(silent)
    stage.upstream.heads_alone = True

    async def client(connected: RawClient, upstream: RawUpstream) -> None:
        await send(segments, connected, upstream)
        # The gateway would read on for five seconds, for the sake of who still sends.
        assert (await connected.receive()).status == status

    assert not await stage.left_by(client)


# aiohttp-session keeps the session under a plain name, which the process of a gateway never hears of.
@pytest.mark.filterwarnings("ignore:It is recommended to use web.RequestKey")
async def test_nor_does_one_that_asks_for_a_page_that_is_none(stage: Stage) -> None:
    assert not await stage.left_by(asks(request("/portal/none?https=1", "Connection: close"), status=404))


async def test_nor_does_one_that_goes_before_a_wrong_secret_is_answered(stage: Stage) -> None:
    def refused() -> bytes | None:
        counted = stage.telemetry.render()[0]
        return next((line for line in counted.splitlines() if b"invalid_client" in line), None)

    async def client(connected: RawClient, _: RawUpstream) -> None:
        before = refused()
        form = b"grant_type=client_credentials&client_id=a&client_secret=wrong"
        kind = "Content-Type: application/x-www-form-urlencoded"
        await connected.send(request("/token", kind, method="POST", body=form))
        await until(lambda: refused() != before)  # the answer is held back for a while

    assert not await stage.left_by(client)


async def test_nor_does_one_that_is_answered_in_the_midst_of_its_upload(stage: Stage) -> None:
    async def client(connected: RawClient, _: RawUpstream) -> None:
        assert (await connected.ask(UPLOAD)).status == 200

    stage.upstream.reset(ends_with(answer()))
    stage.upstream.heads_alone = True
    assert not await stage.left_by(client)


@pytest.mark.parametrize("first", ["client", "upstream"])
async def test_nor_does_a_tunnel(stage: Stage, first: str) -> None:
    async def echo(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        writer.write(await reader.read(2))
        if first == "client":
            await reader.read()
        return False

    async def client(connected: RawClient, _: RawUpstream) -> None:
        asked = request("/patient", "Connection: Upgrade", "Upgrade: websocket")
        assert (await connected.ask(asked, body=False)).status == 101
        await connected.send(b"hi")
        assert await connected.reader.readexactly(2) == b"hi"
        if first == "upstream":
            await connected.rest()

    stage.upstream.reset(echo)
    assert not await stage.left_by(client)
