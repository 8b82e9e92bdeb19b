"""Reused connections that the upstream has closed: what is sent again, and what it says of the server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
import trustme

from gateway.upstream.circuit_breaker import BreakerState
from gateway.upstream.errors import ClosedBeforeResponse, UpstreamBroken, UpstreamError
from gateway.upstream.request import UpstreamRequest
from tests.upstream.defaults import a_server, breaker_of, timeouts_of, tls_of
from tests.upstream.recorder import Recorder
from tests.upstream.scripted import (
    PATIENCE,
    MakeUpstream,
    Peer,
    Script,
    Serve,
    answer,
    get,
    loop_turn,
    trust_connections,
)


def dies_when_reused(answered: int, together: int = 1) -> Script:
    """A server that answers once on so many connections, keeps them open, and resets whichever is reused.

    The first `together` get their answers when all of them have asked: else one that is answered early could
    be given to a request that still waits for its own connection.
    """
    all_asked = asyncio.Barrier(together)

    async def script(peer: Peer) -> None:
        await peer.head()
        if peer.number < together:
            await all_asked.wait()
        if peer.number < answered:
            await peer.say(answer(b"%d" % peer.number))
            await peer.head()
        peer.reset()

    return script


async def test_a_lost_reused_connection_is_replaced_by_a_new_one_only(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    server = await serve(dies_when_reused(answered=4, together=3))
    upstream = await make_upstream(server.url)
    first = [upstream.fetch(get(), "GET") for _ in range(3)]
    await asyncio.gather(*first)
    await loop_turn()
    # Three idle connections, each of which would lose the request once more.
    response = await upstream.fetch(get(), "GET")
    assert (response.head.status, server.connections) == (200, 4)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_lost_reused_connections_do_not_open_the_breaker(
    serve: Serve, make_upstream: MakeUpstream, method: str
) -> None:
    server = await serve(dies_when_reused(answered=1000))
    upstream = await make_upstream(server.url, breaker=breaker_of(failures=1, open_for=60))
    for _ in range(5):
        trust_connections(upstream)
        await upstream.fetch(get(), "GET")
        await loop_turn()
        trust_connections(upstream)
        with contextlib.suppress(UpstreamBroken):
            await upstream.fetch(get("/", method), method)
    [only] = upstream.servers
    assert only.health.breaker.calm
    assert only.health.healthy


async def test_a_lost_new_connection_opens_the_breaker(serve: Serve, make_upstream: MakeUpstream) -> None:
    server = await serve(dies_when_reused(answered=1))
    upstream = await make_upstream(server.url, breaker=breaker_of(failures=1, open_for=60))
    await upstream.fetch(get(), "GET")
    await loop_turn()
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get(), "GET")
    assert upstream.servers[0].health.breaker.state is BreakerState.OPEN


class ThreadedServer(threading.Thread):
    """Answers once on each connection, and closes the first when told: while the test's loop stands still."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self._context = context
        self.scheme = "http" if context is None else "https"
        self.port = self._listener.getsockname()[1]
        self.close_first = threading.Event()
        self.first_closed = threading.Event()
        self.requests: list[bytes] = []

    def run(self) -> None:
        with self._listener, self._accept() as first:
            self._answer(first)
            self.close_first.wait(PATIENCE)
            first.close()
            self.first_closed.set()
            with self._accept() as second:
                self._answer(second)

    def _accept(self) -> socket.socket:
        connection, _ = self._listener.accept()
        connection.settimeout(PATIENCE)
        return self._context.wrap_socket(connection, server_side=True) if self._context else connection

    def _answer(self, connection: socket.socket) -> None:
        self.requests.append(connection.recv(65536))
        connection.sendall(answer())


@pytest.fixture(params=["plain", "tls"])
def server(request: pytest.FixtureRequest) -> Iterator[ThreadedServer]:
    context = None
    if request.param == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = ThreadedServer(context)
    server.start()
    yield server
    server.join(PATIENCE)
    assert not server.is_alive()


async def test_a_post_does_not_go_on_a_connection_that_has_just_been_closed(
    server: ThreadedServer, make_upstream: MakeUpstream
) -> None:
    url = f"{server.scheme}://127.0.0.1:{server.port}"
    upstream = await make_upstream(a_server(url, tls=tls_of(verify=False)))
    await upstream.fetch(get(), "GET")
    await asyncio.sleep(0.05)  # with TLS, session tickets come after the handshake
    trust_connections(upstream)
    # From here to the request the loop does not turn: only a look at the socket can tell.
    server.close_first.set()
    assert server.first_closed.wait(PATIENCE)
    handler = Recorder()
    upstream.begin(handler, UpstreamRequest(get("/x", "POST"), "POST", timeouts_of()))
    await handler.done()
    assert (handler.body, handler.error) == (b"ok", None)
    assert server.requests == [get(), get("/x", "POST")]


async def test_a_post_goes_on_a_reused_connection_of_a_server_that_keeps_them(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            await peer.say(answer())

    server = await serve(script)
    upstream = await make_upstream(server.url)
    for method in ("GET", "GET", "POST", "POST"):  # the second GET shows it
        await upstream.fetch(get("/", method), method)
        await loop_turn()
    assert server.connections == 1


async def test_posts_to_a_server_that_closes_after_each_response_never_fail(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(answer())
        await asyncio.sleep(0.001 * (peer.number % 50))

    server = await serve(script)
    upstream = await make_upstream(server.url)

    async def client() -> None:
        for _ in range(20):
            response = await upstream.fetch(get("/", "POST"), "POST")
            assert response.head.status == 200

    await asyncio.gather(*(client() for _ in range(8)))
    assert server.connections == 160
    assert upstream.servers[0].health.breaker.calm


@pytest.mark.parametrize(
    ("reused", "described"),
    [(False, "closed by upstream before a response ({}, new connection)"), (True, "({}, reused connection)")],
)
async def test_an_error_names_cause_server_and_connection(
    serve: Serve, make_upstream: MakeUpstream, *, reused: bool, described: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        if reused:
            await peer.say(answer())
            await peer.head()

    server = await serve(script)
    upstream = await make_upstream(server.url)
    if reused:
        await upstream.fetch(get(), "GET")
        await loop_turn()
        trust_connections(upstream)
    with pytest.raises(UpstreamError) as caught:
        await upstream.fetch(get("/", "POST"), "POST")
    assert isinstance(caught.value, ClosedBeforeResponse)
    assert described.format(f"server {server.url}") in caught.value.describe()


async def test_a_refused_connection_names_the_server(make_upstream: MakeUpstream) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        upstream = await make_upstream(url)
        with pytest.raises(UpstreamBroken) as caught:
            await upstream.fetch(get(), "GET")
    assert caught.value.describe().startswith("connection refused: ")
    assert f"(server {url})" in caught.value.describe()
