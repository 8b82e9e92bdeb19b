"""Hearing from the server when something that was read has changed (client tracking)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from gateway.errors import StoreUnavailable
from gateway.runtime.beat import until_beat
from gateway.store.redis_errors import CommandRejected
from gateway.store.resp_connection import SECOND_LOOK, RespConnection

logger = logging.getLogger(__name__)

INVALIDATE = b"invalidate"
"""The first word of the message that names keys which have changed."""
BEAT = 0.4
"""Seconds between two questions that only ask whether the server is still there."""
SILENCE = 0.4
"""Seconds without an answer after which the listener counts as deaf. With `BEAT` well under a second."""
URGENT = 0.02
"""Seconds between an answer and the next question where that one decides whether caches are on."""
SLOW = 0.06
"""Seconds after which an answer is late. A revocation is then heard of as late, and 100 ms is the bound."""
SLOW_ANSWERS = 2
"""Late answers in a row after which caches are off: a single one may be a hiccup of this machine."""
QUICK_ANSWERS = 3
"""Answers in time, in a row, after which caches are on again."""


class InvalidationListener(Protocol):
    """Hears, in order with the answers, what a link with tracking is told by the server."""

    def on_tracking_on(self) -> None:
        """From now on the listener hears of every change of what is read."""

    def on_tracking_off(self) -> None:
        """Changes may have been missed, and may be missed until `on_tracking_on`. Can come more than once."""

    def on_invalidate(self, message: list[Any]) -> None:
        """The server's message, such as `[b"invalidate", [key, …]]`; None for the keys means all of them."""


class NullInvalidation:
    """A listener that hears nothing."""

    def on_tracking_on(self) -> None:
        """Does nothing."""

    def on_tracking_off(self) -> None:
        """Does nothing."""

    def on_invalidate(self, message: list[Any]) -> None:
        """Does nothing."""


async def keepalive(wire: RespConnection, listener: InvalidationListener, lost: asyncio.Event) -> None:
    """Takes the listener down while the server is silent or slow, until the connection is lost.

    A server that hangs, or a network that swallows everything, says nothing of changes; one whose answers
    are late says it late. What the server has to say comes before its answer, so with answers in time the
    listener hears everything in time.
    """
    hearing, slow, quick = True, 0, 0
    losing = asyncio.ensure_future(lost.wait())
    try:
        while not await _done_within(until_beat(BEAT) if hearing and not slow else URGENT, losing):
            question = asyncio.ensure_future(_answered(wire))
            in_time = await _true_within(SLOW, question)
            slow, quick = (0, quick + 1) if in_time else (slow + 1, 0)
            silent = slow == 1 and not await _true_within(SILENCE - SLOW, question)
            if lost.is_set():
                return  # that is told where it is noticed
            if hearing and (silent or slow >= SLOW_ANSWERS):
                hearing = False
                _log_slow(silent=silent)
                listener.on_tracking_off()
            if await question and not hearing and quick >= QUICK_ANSWERS and not lost.is_set():
                hearing = True
                logger.info("the store answers in time: caches are on again")
                listener.on_tracking_on()
            elif not hearing and not in_time:
                await asyncio.sleep(BEAT)
    finally:
        losing.cancel()


def _log_slow(*, silent: bool) -> None:
    what = f"is silent for {SILENCE:g} s" if silent else f"takes more than {SLOW * 1000:.0f} ms to answer"
    logger.warning("the store %s: caches are off, and each request asks it", what)


async def _answered(wire: RespConnection) -> bool:
    """Whether the server has answered, and goes on saying what changes."""
    try:
        await wire.send("PING", ("PING",))
    except CommandRejected as refusal:
        # A server that can't write to its disk refuses PING as it does writes, and answers everything else.
        return refusal.code == "MISCONF"
    except StoreUnavailable:
        return False
    return True


async def _true_within(seconds: float, future: asyncio.Future[Any]) -> bool:
    # Two looks: a busy event loop may see its timer before an answer that came in time.
    for pause in (seconds, SECOND_LOOK):
        if await _done_within(pause, future):
            return bool(future.result())
    return False


async def _done_within(seconds: float, future: asyncio.Future[Any]) -> bool:
    done, _ = await asyncio.wait({future}, timeout=seconds)
    return bool(done)
