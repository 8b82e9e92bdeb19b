"""A response without a length ends with the connection. With TLS, only if the server says so."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress

import pytest
import trustme

from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.request import UpstreamRequest
from tests.upstream.defaults import pool_of, timeouts_of
from tests.upstream.recorder import Recorder
from tests.upstream.scripted import get
from tests.upstream.wire import Keeper

WITHOUT_LENGTH = b"HTTP/1.1 200 OK\r\n\r\nhello"
WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def answered(says: bytes, *, notify: bool) -> Recorder:
    """What the handler hears of a server that says this and closes, with a close_notify or without one."""
    ca = trustme.CA()
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    ca.issue_cert("localhost").configure_cert(theirs)
    ca.configure_trust(ours)

    def serve() -> None:
        plain, _ = listener.accept()
        plain.settimeout(20)
        with theirs.wrap_socket(plain, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(says)
            if notify:
                with suppress(OSError):  # the other end need not answer it
                    secure.unwrap()
            else:
                socket.socket(fileno=secure.detach()).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: UpstreamConnection(loop, Keeper(), pool_of()),
            *listener.getsockname(),
            ssl=ours,
            server_hostname="localhost",
        )
        handler = Recorder()
        connection.send(handler, UpstreamRequest(get(), "GET", timeouts_of()))
        await handler.done()
        connection.abort()
        thread.join()
    return handler


async def test_a_response_without_a_length_ends_with_a_close_notify() -> None:
    handler = await answered(WITHOUT_LENGTH, notify=True)
    assert handler.error is None
    assert (handler.body, handler.ended) == (b"hello", True)


async def test_without_a_close_notify_the_response_may_have_been_cut_short() -> None:
    handler = await answered(WITHOUT_LENGTH, notify=False)
    assert isinstance(handler.error, UpstreamBroken)
    assert "close_notify" in str(handler.error)
    assert (handler.body, handler.ended) == (b"hello", False)


@pytest.mark.parametrize("notify", [True, False])
async def test_a_response_with_a_length_needs_no_close_notify(notify: bool) -> None:
    handler = await answered(WITH_LENGTH, notify=notify)
    assert handler.error is None
    assert (handler.body, handler.ended) == (b"hello", True)
