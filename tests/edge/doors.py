"""The same request at the gateway's own listener and at its edge, in each version of HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.edge.clients import HOST, Answer, Http2Client, Http3Client, head, http2, http3, insecure
from tests.raw import RawClient, RawMessage, RawUpstream, read_body

OWN = 0
"""The listener without the edge; 1, 2 and 3 are the edge's versions of HTTP."""
DOORS = (OWN, 1, 2, 3)
OF_EACH_REQUEST = ("x-request-id", "date", "ratelimit")
PLACES = {"host": 0, "cookie": 1}
OF_FRAMING = ("content-length", "transfer-encoding", "connection", "keep-alive")


@dataclass(frozen=True)
class Case:
    """A request, and what the upstream answers."""

    name: str
    path: str = "/open/x"
    method: str = "GET"
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@dataclass(frozen=True)
class Seen:
    """What came of a case at a door, without what differs from request to request."""

    status: int
    fields: list[tuple[str, str]]
    body: Any
    upstream: list[tuple[str, list[tuple[str, str]], bytes]] = field(default_factory=list)
    """The request lines, the headers and the bodies that arrived."""


class Doors:
    """Connections to all of them, kept open as long as both sides let them."""

    def __init__(self, own: int, edge: int, upstream: RawUpstream, stack: AsyncExitStack) -> None:
        self.own, self.edge, self.upstream = own, edge, upstream
        self._stack = stack
        self._first: dict[int, RawClient] = {}
        self._second: Http2Client | None = None
        self._third: Http3Client | None = None

    async def ask(self, door: int, case: Case) -> Answer:
        if door in (OWN, 1):
            return await self._ask_1(self.edge if door else self.own, case)
        length = [("content-length", str(len(case.body)))] if case.body else []
        fields = head(case.method, case.path, [*case.fields, *length])
        if door == 3:
            if self._third is None or self._third.over:
                self._third = await self._stack.enter_async_context(http3(self.edge))
            return await self._third.ask(fields, case.body)
        if self._second is None or self._second.over:
            self._second = await self._stack.enter_async_context(http2(self.edge))
        encoded: Any = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
        return await self._second.ask(encoded, case.body)

    async def _ask_1(self, port: int, case: Case) -> Answer:
        lines = [f"{case.method} {case.path} HTTP/1.1", f"host: {HOST}"]
        lines += [f"{name}: {value}" for name, value in case.fields]
        lines += [f"content-length: {len(case.body)}"] if case.body else []
        data = "\r\n".join([*lines, "", ""]).encode("latin-1") + case.body
        client = self._first.pop(port, None)
        if client is None or client.reader.at_eof():
            client = await RawClient.connect("127.0.0.1", port, insecure("http/1.1"))
        await client.send(data)
        found = await client.receive(body=False)
        bodiless = case.method == "HEAD" or found.status in (204, 304)
        if not bodiless:
            await read_body(found, client.reader, to_end=True)
        if bodiless or "close" in (found.header("connection") or ""):
            await client.close()
        else:
            self._first[port] = client
        return Answer(found.status, found.headers, b"" if bodiless else found.content)

    async def close(self) -> None:
        for one in self._first.values():
            await one.close()

    async def seen(self, door: int, case: Case) -> Seen:
        """What comes of a case at a door."""

        async def conversation(_: RawMessage, __: Any, writer: Any) -> bool:
            writer.write(case.answer)
            return b"\r\nContent-Length: " in case.answer or b"chunked" in case.answer

        self.upstream.reset(conversation)
        found = await self.ask(door, case)
        arrived = [(one.first_line, shown(one.headers), one.content) for one in self.upstream.requests]
        fields = [item for item in shown(found.headers) if item[0] not in (":status", "alt-svc")]
        return Seen(found.status, fields, _body(found), arrived)


def shown(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers without those of a single request or connection, with names in lower case.

    Envoy writes Host first, Cookie last in HTTP/2, and several Vary as one.
    """
    left_out = (*OF_EACH_REQUEST, *OF_FRAMING, "vary")
    found = [(name.lower(), value) for name, value in headers]
    kept = [item for item in found if item[0] not in left_out]
    vary = [part.strip() for name, value in found if name == "vary" for part in value.split(",")]
    joined = [("vary", ", ".join(vary))] if vary else []
    return [*sorted(kept, key=lambda item: PLACES.get(item[0], len(PLACES))), *joined]


def _body(found: Answer) -> Any:
    """A problem document without its request's id."""
    if found.header("content-type") != "application/problem+json" or not found.body:
        return found.body
    document = json.loads(found.body)
    document.pop("request_id", None)
    return document


@asynccontextmanager
async def doors(own: int, edge: int, upstream: RawUpstream) -> AsyncIterator[Doors]:
    async with AsyncExitStack() as stack:
        found = Doors(own, edge, upstream, stack)
        yield found
        await found.close()
