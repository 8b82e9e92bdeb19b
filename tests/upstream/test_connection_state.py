"""The table of states and events at the head of `gateway/upstream/connection_state.py`, row by row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.connection_state import (
    AWAITING_RESPONSE,
    CLOSED,
    CONTINUED,
    IDLE,
    READING_BODY,
    READING_HEAD,
    TUNNEL,
    ConnectionState,
)
from gateway.upstream.errors import ClosedBeforeResponse, UpstreamBroken, UpstreamError, UpstreamSlow
from gateway.upstream.request import UpstreamRequest
from tests.upstream.defaults import timeouts_of
from tests.upstream.recorder import Recorder
from tests.upstream.scripted import get
from tests.upstream.wire import wired

SHORT_HEAD = b"HTTP/1.1 200 OK\r\nContent-"
REST_OF_HEAD = b"Length: 2\r\n\r\n"
WHOLE = SHORT_HEAD + REST_OF_HEAD + b"ok"
CLOSE_DELIMITED = b"HTTP/1.1 200 OK\r\n\r\nok"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
SAID = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

Event = Callable[[UpstreamConnection, Recorder], None]


def send(connection: UpstreamConnection, handler: Recorder) -> None:
    connection.send(handler, UpstreamRequest(get(), "GET", timeouts_of(), upgrade=True))


def receive(data: bytes) -> Event:
    return lambda connection, handler: connection.data_received(data)


def close(connection: UpstreamConnection, handler: Recorder) -> None:
    connection.eof_received()


def reset(connection: UpstreamConnection, handler: Recorder) -> None:
    connection.connection_lost(ConnectionResetError("reset by peer"))


def time_is_up(connection: UpstreamConnection, handler: Recorder) -> None:
    connection._time_is_up()


def abort(connection: UpstreamConnection, handler: Recorder) -> None:
    connection.abort()


WAYS: dict[ConnectionState, list[Event]] = {
    IDLE: [],
    AWAITING_RESPONSE: [send],
    # There was a response before it, which was read piece by piece: what is left of it is not the next one.
    CONTINUED: [send, receive(SHORT_HEAD), receive(REST_OF_HEAD + b"ok"), send, receive(SAID)],
    READING_HEAD: [send, receive(SHORT_HEAD)],
    READING_BODY: [send, receive(SHORT_HEAD + REST_OF_HEAD)],
    TUNNEL: [send, receive(SWITCH)],
    CLOSED: [abort],
}
BROKEN, EARLY, SLOW = UpstreamBroken, ClosedBeforeResponse, UpstreamSlow


@pytest.mark.parametrize(
    ("before", "event", "after", "error"),
    [
        (IDLE, send, AWAITING_RESPONSE, None),
        (IDLE, receive(WHOLE), CLOSED, None),
        (IDLE, close, CLOSED, None),
        (IDLE, reset, CLOSED, None),
        (IDLE, time_is_up, CLOSED, None),
        (IDLE, abort, CLOSED, None),
        (AWAITING_RESPONSE, receive(SHORT_HEAD), READING_HEAD, None),
        (AWAITING_RESPONSE, receive(SHORT_HEAD + REST_OF_HEAD), READING_BODY, None),
        (AWAITING_RESPONSE, receive(WHOLE), IDLE, None),
        (AWAITING_RESPONSE, receive(CLOSING), CLOSED, None),
        (AWAITING_RESPONSE, receive(SWITCH), TUNNEL, None),
        (AWAITING_RESPONSE, receive(b"not HTTP\r\n\r\n"), CLOSED, BROKEN),
        (AWAITING_RESPONSE, close, CLOSED, EARLY),
        (AWAITING_RESPONSE, reset, CLOSED, EARLY),
        (AWAITING_RESPONSE, time_is_up, CLOSED, SLOW),
        (AWAITING_RESPONSE, abort, CLOSED, None),
        (AWAITING_RESPONSE, receive(SAID), CONTINUED, None),
        (CONTINUED, receive(SAID), CONTINUED, None),
        (CONTINUED, receive(SAID[:9]), READING_HEAD, None),
        (CONTINUED, receive(SHORT_HEAD), READING_HEAD, None),
        (CONTINUED, receive(SHORT_HEAD + REST_OF_HEAD), READING_BODY, None),
        (CONTINUED, receive(WHOLE), IDLE, None),
        (CONTINUED, receive(SWITCH), TUNNEL, None),
        (CONTINUED, receive(b"not HTTP\r\n\r\n"), CLOSED, BROKEN),
        (CONTINUED, close, CLOSED, BROKEN),
        (CONTINUED, reset, CLOSED, BROKEN),
        (CONTINUED, time_is_up, CLOSED, SLOW),
        (CONTINUED, abort, CLOSED, None),
        (READING_HEAD, receive(b"L"), READING_HEAD, None),
        (READING_HEAD, receive(REST_OF_HEAD), READING_BODY, None),
        (READING_HEAD, receive(REST_OF_HEAD + b"ok"), IDLE, None),
        (READING_HEAD, receive(b"\x00\r\n\r\n"), CLOSED, BROKEN),
        (READING_HEAD, close, CLOSED, BROKEN),
        (READING_HEAD, reset, CLOSED, BROKEN),
        (READING_HEAD, time_is_up, CLOSED, SLOW),
        (READING_HEAD, abort, CLOSED, None),
        (READING_BODY, receive(b"o"), READING_BODY, None),
        (READING_BODY, receive(b"ok"), IDLE, None),
        (READING_BODY, receive(b"ok and more"), CLOSED, None),
        (READING_BODY, close, CLOSED, BROKEN),
        (READING_BODY, reset, CLOSED, BROKEN),
        (READING_BODY, time_is_up, CLOSED, SLOW),
        (READING_BODY, abort, CLOSED, None),
        (TUNNEL, receive(b"anything"), TUNNEL, None),
        (TUNNEL, close, TUNNEL, None),
        (TUNNEL, reset, CLOSED, None),
        (TUNNEL, time_is_up, CLOSED, SLOW),
        (TUNNEL, abort, CLOSED, None),
        (CLOSED, receive(WHOLE), CLOSED, None),
        (CLOSED, close, CLOSED, None),
        (CLOSED, reset, CLOSED, None),
        (CLOSED, abort, CLOSED, None),
    ],
)
async def test_connection_state(
    before: ConnectionState, event: Event, after: ConnectionState, error: type[UpstreamError] | None
) -> None:
    connection, _, keeper = wired(asyncio.get_running_loop())
    handler = Recorder()
    for step in WAYS[before]:
        step(connection, handler)
    assert connection.state is before
    whole = handler.names.count("whole")
    event(connection, handler)
    assert connection.state is after
    if error is not None:
        assert handler.names.count("whole") == whole, "an error comes in place of a response"
    assert type(handler.error) is (type(None) if error is None else error)
    assert keeper.gone == ([connection] if after is CLOSED else [])


async def test_the_connections_end_may_be_the_bodys_end() -> None:
    connection, _, keeper = wired(asyncio.get_running_loop())
    handler: Any = Recorder()
    for step in (send, receive(CLOSE_DELIMITED)):
        step(connection, handler)
    assert connection.state is READING_BODY
    close(connection, handler)
    assert (connection.state, handler.body, handler.ended) == (CLOSED, b"ok", True)
    assert keeper.gone == [connection]
