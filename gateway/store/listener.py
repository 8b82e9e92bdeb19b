"""Hearing from the server when something that was read has changed (client tracking)."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from gateway.errors import StoreUnavailable
from gateway.store.wire import SECOND_LOOK, Wire

INVALIDATE = b"invalidate"
"""The first word of the message that names keys which have changed."""
BEAT = 0.25
"""Seconds between two questions that only ask whether the server is still there."""
SILENCE = 0.5
"""Seconds without an answer after which the listener counts as deaf. With `BEAT` well under a second."""


class Listener(Protocol):
    """Hears, in order with the answers, what a link with tracking is told by the server."""

    def up(self) -> None:
        """From now on the listener hears of every change of what is read."""

    def down(self) -> None:
        """Changes may have been missed, and may be missed until `up`. Can come more than once."""

    def push(self, message: list[Any]) -> None:
        """The server's message, such as `[b"invalidate", [key, …]]`; None for the keys means all of them."""


class Deaf:
    """A listener that hears nothing."""

    def up(self) -> None:
        """Does nothing."""

    def down(self) -> None:
        """Does nothing."""

    def push(self, message: list[Any]) -> None:
        """Does nothing."""


async def keep_hearing(wire: Wire, listener: Listener, lost: asyncio.Event) -> None:
    """Takes the listener down while the server is silent, until the connection is lost.

    A server that hangs, or a network that swallows everything, says nothing of changes. What the server
    has to say comes before its answer, so with the answer the listener hears everything again.
    """
    deaf = False
    losing = asyncio.ensure_future(lost.wait())
    try:
        while not await _true_within(BEAT, losing):
            question = asyncio.ensure_future(_answered(wire))
            if not await _true_within(SILENCE, question):
                deaf = True
                listener.down()
            if await question and deaf and not lost.is_set():
                deaf = False
                listener.up()
    finally:
        losing.cancel()


async def _answered(wire: Wire) -> bool:
    try:
        await wire.send("PING", ("PING",))
    except StoreUnavailable:
        return False
    return True


async def _true_within(seconds: float, future: asyncio.Future[Any]) -> bool:
    # Two looks: a busy event loop may see its timer before an answer that came in time.
    for pause in (seconds, SECOND_LOOK):
        done, _ = await asyncio.wait({future}, timeout=pause)
        if done:
            return bool(future.result())
    return False
