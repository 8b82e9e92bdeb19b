"""Refuses requests before anything is done for them, while the event loop can't keep up.

Only requests that have come whole and alone are refused, so that what follows on the connection is the next
request. The gateway's own endpoints, such as the token endpoint, are always answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from gateway.clock import Clock
from gateway.http.endpoints import GatewayPaths
from gateway.http.exchange import UNKNOWN_ADDRESS
from gateway.http.forwarded import real_peer
from gateway.http.limit_names import LOOP_DELAY
from gateway.http.prepared_response import prepared
from gateway.http.problems import OVERLOADED, Problem, retry_after
from gateway.proxy.simple_request import parse_simple_request
from gateway.runtime.caches import MIB, cached, register
from gateway.server.in_flight import ClientWriter
from gateway.server.loop_delay import LoopOverload
from gateway.web.refusal_recorder import RefusalRecorder
from gateway.web.request_recorder import OtherFacts, RequestRecorder

_LINE = re.compile(rb"([A-Z]{1,20}) (/[\x21-\x7e]{0,4096}) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: ?([0-9]{1,10})\r\n")
_CLOSE = re.compile(rb"\r\nconnection:[^\r]*\bclose\b")
"""One of the options of RFC 9110 section 7.6.1. To close where it was none does no harm."""
_FACTS = OtherFacts(error=OVERLOADED.code)
_REQUESTS = register(
    "requests that may be refused", __name__, entries=1024, key_bytes=2048, total_bytes=8 * MIB
)


class RefusableRequest(NamedTuple):
    """What a refusal must know of a request that has come whole and alone."""

    method: str
    path: bytes
    shown: str
    """The path as a text."""
    keep: bool
    """Whether the connection goes on behind it."""


@cached(_REQUESTS)
def refusable_request(data: bytes) -> RefusableRequest | None:
    """The request that `data` is. None: it may not be refused, whatever its path."""
    line = _LINE.match(data)
    head = None if line is None else _head_of_whole(data)
    if line is None or head is None or line[1] == b"HEAD":
        return None
    path = line[2].partition(b"?")[0]
    return RefusableRequest(line[1].decode(), path, path.decode(), _CLOSE.search(head) is None)


class OverloadGuard:
    """One for the connections of a server."""

    __slots__ = (
        "_age",
        "_clock",
        "_exact",
        "_new_id",
        "_prefixes",
        "_prepared",
        "_problem",
        "_recorder",
        "_refusals",
        "_trusted",
        "rule",
    )

    def __init__(
        self,
        rule: LoopOverload,
        age: Callable[[], float],
        trusted: Callable[[str], bool],
        paths: GatewayPaths,
        recorder: RequestRecorder,
        refusals: RefusalRecorder,
        new_id: Callable[[], str],
        clock: Clock,
    ) -> None:
        """`age`: seconds of the present turn of the loop. `trusted`: `server.trusted_proxies`."""
        self.rule, self._age, self._trusted = rule, age, trusted
        self._exact = frozenset(path.encode() for path in paths.exact)
        self._prefixes = tuple(path.encode() for path in paths.prefixes)
        self._recorder, self._refusals = recorder, refusals
        self._new_id, self._clock = new_id, clock
        self._problem = Problem(
            OVERLOADED,
            headers=retry_after(1),
            reason="the worker's event loop is late (server.max_event_loop_delay)",
            limit=LOOP_DELAY,
        )
        self._prepared = prepared(self._problem)

    def try_refuse(self, data: bytes, client: ClientWriter) -> bool:
        """Refuses the request that `data` is, if it comes too late in its turn and may be refused."""
        request = None if client.closing else refusable_request(data)
        if request is None:
            return False
        method, path, shown, keep = request
        if path in self._exact or path.startswith(self._prefixes) or not self.rule.refuses(self._age()):
            return False
        if not keep:
            client.close_after()
        request_id, response = self._new_id(), self._prepared
        body = response.body(request_id)
        client.write(response.message(body, [], keep_alive=keep, now=self._clock()))
        address = self._address(data, client)
        self._recorder.other(
            "-", method, path, address, request_id, response.status, len(body), 0.0, facts=_FACTS
        )
        self._refusals.unrouted(method, shown, address, request_id, self._problem)
        return True

    def _address(self, data: bytes, client: ClientWriter) -> str:
        """The client's, also behind a proxy."""
        peer = client.peer
        if not self._trusted(peer.address):
            return peer.address
        plain = parse_simple_request(data)
        if plain is None:
            return UNKNOWN_ADDRESS
        return real_peer(peer, plain.block.headers, self._trusted).address


def _head_of_whole(data: bytes) -> bytes | None:
    """The head in lower case, if it has come with all of its body, and nothing else; None: it has not."""
    end = data.find(b"\r\n\r\n") + 4
    head = data[:end].lower()
    if b"transfer-encoding" in head or b"upgrade" in head:
        return None
    if b"content-length" in head:
        length = _LENGTH.search(head)
        if length is None or head.count(b"content-length") > 1:
            return None
        end += int(length[1])
    return head if end == len(data) else None
