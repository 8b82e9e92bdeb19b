"""Checks the health of a server at regular intervals."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from contextlib import suppress

from gateway.http.exchange import Headers, ResponseHead
from gateway.upstream.address import ServerAddress
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.connector import Connector
from gateway.upstream.credentials import UpstreamCredentials
from gateway.upstream.errors import UpstreamBroken, UpstreamError
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.response_parser import HEAD_LIMIT
from gateway.upstream.settings import HealthSettings, PoolSettings, Timeouts

_GOOD = range(200, 400)
_UNAUTHORIZED = 401
_MAX_BODY = 65536
"""Bytes of a body in which the expected text is looked for."""
_ONE_USE = PoolSettings(
    max_connections=1,
    max_queue=0,
    queue_timeout=0.0,
    keep_alive=0.0,
    head_limit=HEAD_LIMIT,
    lifetime=float("inf"),
)
_JITTER = 0.1  # so that several workers do not check at the same moment

Verdict = Callable[[str | None], None]
"""Takes None for a check that passed, or what was wrong."""


def question(
    path: str, address: ServerAddress, host: str | None = None, headers: Iterable[tuple[str, str]] = ()
) -> bytes:
    """The request of a health check; `host` in place of the server's own. `headers` replace those of here."""
    if host is None:
        host = "localhost" if address.socket is not None else str(address).partition("://")[2]
    fields = {
        "host": ("Host", host),
        "user-agent": ("User-Agent", "gatepost-health"),
        "accept": ("Accept", "*/*"),
        "connection": ("Connection", "close"),
    }
    fields |= {name.lower(): (name, value) for name, value in headers}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.values())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class HealthChecker:
    """Checks one server, on connections of its own: a full pool must not look like an unhealthy server."""

    def __init__(
        self,
        settings: HealthSettings,
        address: ServerAddress,
        connector: Connector,
        verdict: Verdict,
        credentials: UpstreamCredentials | None = None,
    ) -> None:
        """`credentials` are shown as with requests, but not to another port than theirs."""
        self._settings = settings
        self._credentials = credentials if settings.port is None else None
        self._question = question(settings.path, address, settings.host, settings.headers)
        self._connector = connector
        self._verdict = verdict

    async def run(self) -> None:
        """Checks at once and then every interval, until cancelled."""
        while True:
            self._verdict(await self.ask())
            await asyncio.sleep(self._settings.interval * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 (spreads load, hides nothing)

    async def ask(self) -> str | None:
        """Checks once. Returns what is wrong, or None."""
        try:
            async with asyncio.timeout(self._settings.timeout):
                return self._judge(*await self._response())
        except TimeoutError:
            return f"no answer within {self._settings.timeout:g} s"
        except UpstreamError as error:
            return str(error)

    def _judge(self, status: int, body: bytes) -> str | None:
        if self._credentials is not None and status != _UNAUTHORIZED:
            self._credentials.accepted()
        if status not in (self._settings.statuses or _GOOD):
            return f"answered {status}"
        wanted = self._settings.body
        if wanted is not None and wanted.encode() not in body:
            return "answered without the expected text in its body"
        return None

    async def _response(self) -> tuple[int, bytes]:
        """The status, and as much of the body as is looked at."""
        loop = asyncio.get_running_loop()
        pool = _NoPool()
        connection = await self._connector.connect(lambda: UpstreamConnection(loop, pool, _ONE_USE))
        most = 0 if self._settings.body is None else _MAX_BODY
        handler = _CheckResponse(loop.create_future(), most)
        line = await self._credentials_line()
        seconds = self._settings.timeout
        timeouts = Timeouts(connect=seconds, response=seconds, idle=seconds)
        connection.send(handler, UpstreamRequest(self._with(line), "GET", timeouts))
        try:
            response = await handler.response
            if self._credentials is not None and line and response[0] == _UNAUTHORIZED:
                # Without requests nobody else would notice that a token has ended early.
                self._credentials.rejected(line)
            return response
        finally:
            connection.abort()

    async def _credentials_line(self) -> bytes:
        """The line that is shown; empty where there is none, as where no token can be had."""
        if self._credentials is None:
            return b""
        with suppress(UpstreamBroken):
            return self._credentials.current() or await self._credentials.fetch()
        return b""

    def _with(self, line: bytes) -> bytes:
        """The request with the line, unless `health.headers` has that header."""
        name = line.partition(b":")[0].lower()
        own = {name.lower().encode() for name, _ in self._settings.headers}
        return self._question if not line or name in own else self._question[:-2] + line + b"\r\n"


class _NoPool:
    """For a connection that is used once."""

    def released(self, connection: UpstreamConnection) -> None:
        connection.discard()

    def closed(self, connection: UpstreamConnection, idle_for: float | None = None) -> None:
        """Nothing is kept."""


class _CheckResponse:
    """A response handler that needs the status and the first bytes of the body."""

    def __init__(self, response: asyncio.Future[tuple[int, bytes]], most: int) -> None:
        self.response = response
        self._most = most
        self._status = 0
        self._body = b""

    def on_informational(self, head: ResponseHead) -> None:
        """Not the final response."""

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        self._status, self._body = head.status, body[: self._most]
        self._finish()

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        self._status = head.status
        if not self._most:
            self._finish()

    def on_data(self, data: bytes) -> None:
        self._body += data[: self._most - len(self._body)]
        if len(self._body) == self._most:
            self._finish()

    def on_end(self, trailers: Headers) -> None:
        self._finish()

    def on_error(self, error: UpstreamError) -> None:
        if not self.response.done():
            self.response.set_exception(error)

    def _finish(self) -> None:
        if not self.response.done():
            self.response.set_result((self._status, self._body))

    def pause_writing(self) -> None:
        """There is nothing to write."""

    def resume_writing(self) -> None:
        """There is nothing to write."""
