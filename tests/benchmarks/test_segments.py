"""Requests in segments, as they are sent to have their instructions counted."""

from __future__ import annotations

from contextlib import closing

from benchmarks.instruction_cases import Segment
from benchmarks.instructions import Client, FixedUpstream


def test_a_segment_is_sent_without_waiting_for_the_gateways_word() -> None:
    head = b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
    with closing(FixedUpstream()) as upstream, Client(upstream.port, connections=2) as client:
        client.send([(head, Segment(b"a"), Segment(b"bc"))] * 5)
