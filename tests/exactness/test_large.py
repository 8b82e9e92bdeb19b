"""Bodies of any size pass in constant memory: 2 GiB each way, and less where the fast path is off."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Valkey
from tests.exactness.conftest import WAYS, Pair, exact_config
from tests.ports import free_port
from tests.running import Running

SIZES = {"fast_path": 2 * 1024**3, "aiohttp": 512 * 1024**2}
PIECE = memoryview(bytes(1024**2))
PATIENCE = 60.0
GROWTH = 20 * 1024**2


@pytest.fixture(scope="module", params=WAYS)
def pair(
    request: pytest.FixtureRequest, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    port = free_port()
    config = exact_config(port, valkey.url, fast_path=request.param == "fast_path", max_body="3g")
    running = Running(config, tmp_path_factory.mktemp("large"))
    running.await_ready()
    yield Pair(running, port)
    running.stop()


def read_head(connection: socket.socket) -> tuple[bytes, int]:
    """A message's head, and how many bytes of its body came with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        assert piece, "closed before the head was whole"
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    return head, len(body)


def swallow(connection: socket.socket, size: int) -> None:
    room = bytearray(1024**2)
    while size > 0:
        taken = connection.recv_into(room)
        assert taken, f"closed {size} bytes early"
        size -= taken


def pour(connection: socket.socket, size: int) -> None:
    for _ in range(size // len(PIECE)):
        connection.sendall(PIECE)


def upstream(port: int, serve: Callable[[socket.socket], None]) -> threading.Thread:
    """Takes one connection at the port."""
    listener = socket.create_server(("127.0.0.1", port))
    listener.settimeout(PATIENCE)

    def run() -> None:
        with listener:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(PATIENCE)
                serve(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def resident(pair: Pair, kind: str = "VmRSS") -> int:
    with open(f"/proc/{pair.gateway.pid}/status") as status:
        found = dict(line.split(":", 1) for line in status)
    return int(found[kind].split()[0]) * 1024


def forget_peak(pair: Pair) -> None:
    with open(f"/proc/{pair.gateway.pid}/clear_refs", "w") as control:
        control.write("5")


def client(pair: Pair) -> socket.socket:
    return socket.create_connection(("127.0.0.1", pair.gateway_port), PATIENCE)


@pytest.fixture
def size(request: pytest.FixtureRequest) -> int:
    return SIZES[request.node.callspec.params["pair"]]


def test_a_large_download_is_not_kept(pair: Pair, size: int) -> None:
    def serve(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        pour(connection, size)

    thread = upstream(pair.upstream_port, serve)
    forget_peak(pair)
    before = resident(pair)
    with client(pair) as caller:
        caller.sendall(b"GET /open HTTP/1.1\r\nHost: a\r\n\r\n")
        head, begun = read_head(caller)
        assert b"Content-Length: %d" % size in head
        swallow(caller, size - begun)
    thread.join(PATIENCE)
    assert resident(pair, "VmHWM") - before < GROWTH


def test_a_large_upload_is_not_kept(pair: Pair, size: int) -> None:
    received = threading.Event()

    def serve(connection: socket.socket) -> None:
        head, begun = read_head(connection)
        assert b"Content-Length: %d" % size in head
        swallow(connection, size - begun)
        received.set()
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    thread = upstream(pair.upstream_port, serve)
    forget_peak(pair)
    before = resident(pair)
    with client(pair) as caller:
        caller.sendall(b"PUT /open HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        pour(caller, size)
        head, _ = read_head(caller)
    assert head.startswith(b"HTTP/1.1 204")
    assert received.is_set()
    thread.join(PATIENCE)
    assert resident(pair, "VmHWM") - before < GROWTH
