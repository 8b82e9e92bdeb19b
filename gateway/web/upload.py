"""The caller's body on its way upstream, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.web_exceptions import HTTPException

from gateway.exchange import RequestHead
from gateway.faults import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    EXPECTATION_FAILED,
    SLOW_REQUEST,
    Fault,
)
from gateway.proxy.arrival import content_length
from gateway.web.patience import Patience, SlowBody

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def is_chunked(head: RequestHead) -> bool:
    """Whether the body's length is not known beforehand."""
    return bool(head.values(b"transfer-encoding"))


def upload(
    request: web.Request, head: RequestHead, max_body: int, patience: Patience
) -> AsyncIterator[bytes] | bytes | None:
    """The body: None where there is none, bytes where it has arrived already, else as it comes."""
    if not is_chunked(head) and not content_length(head.headers):
        return None
    content = request.content
    if content.is_eof() and content.total_bytes <= max_body and not expects_continue(head):
        return content.read_nowait()
    return _pieces(request, head, max_body, patience)


def expects_continue(head: RequestHead) -> bool:
    """Whether the caller waits to be told to go on (RFC 9110 section 10.1.1).

    Raises:
        Fault: 417 where it expects anything else.
    """
    expect = head.value(b"expect")
    if expect is None or head.version < (1, 1):
        return False
    if expect.lower() != b"100-continue":
        raise Fault(EXPECTATION_FAILED)
    return True


async def _pieces(
    request: web.Request, head: RequestHead, max_body: int, patience: Patience
) -> AsyncIterator[bytes]:
    if expects_continue(head) and request.transport is not None:
        request.transport.write(CONTINUE)
    taken = 0
    pace = SlowBody(patience)
    while data := await _next_piece(request, pace):
        taken += len(data)
        if taken > max_body:
            raise Fault(BODY_TOO_LARGE, close=True)
        yield data


async def _next_piece(request: web.Request, pace: SlowBody) -> bytes:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(pace.allowance()):
            piece = await request.content.readany()
    except TimeoutError:
        raise Fault(SLOW_REQUEST, "The body did not arrive in time.", close=True) from None
    except (HTTPException, web.RequestPayloadError) as error:
        raise Fault(BAD_REQUEST, "The body is malformed.", close=True) from error
    pace.took(loop.time() - began, len(piece))
    return piece


async def no_early_continue(request: web.Request) -> None:
    """Keeps aiohttp from telling the caller to go on before it is let in."""
