"""The request's body as aiohttp receives it, on its way upstream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.web_exceptions import HTTPException

from gateway.http.exchange import RequestHead
from gateway.http.limit_names import BODY
from gateway.http.problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    EXPECTATION_FAILED,
    SLOW_REQUEST,
    Problem,
)
from gateway.http.request_head import content_length
from gateway.server.min_data_rate import BodyRateMonitor, MinDataRate

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
OWN_CONTINUE = 3.0
"""Seconds after which the gateway says 100 (Continue) where the upstream has said nothing: HTTP/1.0 does not
know it, and an upstream that ignores Expect waits for the body, as the client waits to be told.
"""
TOO_SLOW = "The body did not arrive in time."
"""What a client reads that is too slow to send its body."""


def is_chunked(head: RequestHead) -> bool:
    """Whether the body's length is not known beforehand."""
    return bool(head.values(b"transfer-encoding"))


class ContinueSignal:
    """Tells a client that waits for 100 (Continue) to send its body: once, and never behind the response."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._told = asyncio.Event()
        self._reading: asyncio.Future[bytes] | None = None

    @property
    def told(self) -> bool:
        """Whether the client sends its body, or has been told to."""
        return self._told.is_set()

    def tell(self) -> None:
        """The upstream wants the body."""
        if not self.told:
            self._told.set()
            self._write(CONTINUE)

    async def first_piece(self, content: StreamReader) -> asyncio.Future[bytes]:
        """What reads the first piece, once the client sends it or has been told to: till then it is not slow.

        Whether an upstream that says nothing knows of 100 (Continue) can't be told. RFC 9110 section
        10.1.1: a client should not wait for ever; this one may, and the upstream waits for its body.
        """
        self._reading = reading = asyncio.ensure_future(content.readany())
        telling = asyncio.ensure_future(self._told.wait())
        try:
            await asyncio.wait({reading, telling}, timeout=OWN_CONTINUE, return_when=asyncio.FIRST_COMPLETED)
        finally:
            telling.cancel()
        if reading.done():
            self._told.set()
        else:
            self.tell()
        return reading

    def abandon(self) -> None:
        """Nobody reads the body any more. At once: aiohttp may read the rest, and only one can."""
        if self._reading is not None:
            self._reading.cancel()


def upload(
    request: web.Request,
    head: RequestHead,
    max_body: int,
    min_data_rate: MinDataRate,
    signal: ContinueSignal | None = None,
) -> AsyncIterator[bytes] | bytes | None:
    """The body: None where there is none, bytes where it has arrived already, else as it comes.

    `signal`: for a client that expects 100 (Continue).
    """
    if not is_chunked(head) and not content_length(head.headers):
        return None
    content = request.content
    if content.is_eof() and content.total_bytes <= max_body:
        return content.read_nowait()
    return _pieces(request, max_body, min_data_rate, signal)


def expects_continue(head: RequestHead) -> bool:
    """Whether the client waits for 100 (Continue) (RFC 9110 section 10.1.1).

    Raises:
        Problem: 417 where it expects anything else.
    """
    expect = head.value(b"expect")
    if expect is None or head.version < (1, 1):
        return False
    if expect.lower() != b"100-continue":
        raise Problem(EXPECTATION_FAILED)
    return True


async def _pieces(
    request: web.Request, max_body: int, min_data_rate: MinDataRate, signal: ContinueSignal | None
) -> AsyncIterator[bytes]:
    taken = 0
    pace = BodyRateMonitor(min_data_rate)
    first = None if signal is None else await signal.first_piece(request.content)
    while data := await _next_piece(request, pace, first):
        first = None
        taken += len(data)
        if taken > max_body:
            raise Problem(BODY_TOO_LARGE, close=True, limit=BODY)
        yield data


async def _next_piece(
    request: web.Request, pace: BodyRateMonitor, reading: asyncio.Future[bytes] | None
) -> bytes:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(pace.allowance()):
            piece = await (request.content.readany() if reading is None else reading)
    except TimeoutError:
        raise Problem(SLOW_REQUEST, TOO_SLOW, close=True, limit=pace.binding) from None
    # aiohttp's body keeps the error, whose traceback leads to that body.
    except (HTTPException, web.RequestPayloadError) as error:
        raise Problem(BAD_REQUEST, "The body is malformed.", close=True) from error.with_traceback(None)
    except ConnectionError as error:
        raise ConnectionResetError("the client is gone") from error.with_traceback(None)
    pace.took(loop.time() - began, len(piece))
    return piece


async def no_early_continue(request: web.Request) -> None:
    """Keeps aiohttp from sending 100 (Continue) before the request is admitted."""


async def continue_at_once(request: web.Request) -> None:
    """Sends 100 (Continue) to who expects it. Anything else is refused by `expects_continue` later: what is
    refused here would have neither a request id nor a line in the access log.
    """
    if request.version >= HttpVersion11 and request.headers["Expect"].lower() == "100-continue":
        await request.writer.write(CONTINUE)
        # That was not yet the response.
        request.writer.output_size = 0
