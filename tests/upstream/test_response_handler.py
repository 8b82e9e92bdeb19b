"""What every sink can rely on, whatever the upstream sends."""

from __future__ import annotations

import asyncio
import re
from dataclasses import astuple
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.upstream.request import UpstreamRequest
from tests.upstream.defaults import timeouts_of
from tests.upstream.recorder import Recorder
from tests.upstream.wire import wired

ORDER = re.compile(r"(informational )*(whole |head (data )*(end |error )|error )")

SOUND = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 103 Hints\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: v\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nraw",
]


@st.composite
def conversations(draw: st.DrawFn) -> list[bytes]:
    """A sound answer, bent in some place, and cut anywhere."""
    data = draw(st.sampled_from(SOUND)) + draw(st.sampled_from([b"", b"", b"\r\n", b"more"]))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(data) - 1))
        data = data[:place] + draw(st.binary(max_size=3)) + data[place + draw(st.integers(0, 3)) :]
    data = data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    marks = [0, *cuts, len(data)]
    return [data[start:end] for start, end in pairwise(marks)]


@settings(max_examples=400)
@given(conversations(), st.sampled_from(["GET", "HEAD"]), st.booleans())
def test_calls_come_in_their_order_and_end_once(pieces: list[bytes], method: str, upgrade: bool) -> None:
    loop = asyncio.new_event_loop()
    try:
        connection, transport, keeper = wired(loop)
        handler = Recorder()
        connection.send(handler, UpstreamRequest(b"x", method, timeouts_of(), upgrade=upgrade))
        for piece in pieces:
            if not transport.closed:
                connection.data_received(piece)
        connection.eof_received()
        connection.connection_lost(None)
    finally:
        loop.close()
    assert ORDER.fullmatch(" ".join(handler.names) + " "), handler.names
    assert keeper.gone == [connection]


@given(st.sampled_from(SOUND[:4]), st.lists(st.integers(0, 120), max_size=8))
def test_the_answer_is_the_same_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    loop = asyncio.new_event_loop()
    answers = []
    try:
        for marks in ([0, len(data)], [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]):
            connection, _, keeper = wired(loop)
            handler = Recorder()
            connection.send(handler, UpstreamRequest(b"x", "GET", timeouts_of()))
            for start, end in pairwise(marks):
                connection.data_received(data[start:end])
            connection.eof_received()
            assert handler.head is not None
            answers.append(
                (
                    astuple(handler.head),
                    handler.framing,
                    handler.body,
                    handler.events[-1][1],
                    len(keeper.free),
                )
            )
    finally:
        loop.close()
    assert answers[0] == answers[1]
