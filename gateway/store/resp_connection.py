"""One connection to the store: many commands under way, answers in the order of the commands.

The server answers in order, so a queue of futures is all the bookkeeping there is. What it pushes unasked
(invalidations) is handed on at its place between the answers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, cast

import hiredis

from gateway.errors import StoreUnavailable
from gateway.runtime.lazy_reply import Recipient
from gateway.runtime.prompt_reply import PromptReply
from gateway.store.redis_errors import CommandRejected, SlotMoving

Argument = str | bytes | int | float
"""One word of a command; text goes as UTF-8."""
Decode = Callable[[Any], Any]
"""Makes a reply into what the caller gets; runs at the reply's place in the order, before later pushes."""
Observer = Callable[[str, float, bool], None]
"""Is told of each command: its name, the seconds it took, whether it failed."""
FAILED = True
OnRejected = Callable[[CommandRejected], None]
"""Is told of each command that the server refuses."""


Pending = tuple[Recipient, float, str, Decode | None, str | None, Sequence[Argument]]
"""A command under way: what gets its answer, when it was sent, its name, its decoder, the text of its script
for a server that does not know it, and its words."""
Redirect = Callable[[str, Pending], bool]
"""Is told of each command that the server refuses, by the refusal's text. True: it is sent elsewhere."""

SECOND_LOOK = 0.02
"""Seconds to wait once more: a busy event loop may see its timer before a reply that came in time."""
NOTHING = object()
UNASKED = "the store sent an answer that nobody asked for"
_PUSH, _ERROR = hiredis.PushNotification, hiredis.ReplyError


def ignore(*_: object) -> None:
    """An observer or listener that does nothing."""


class RespConnection(asyncio.Protocol):
    """Sends commands and matches the answers, until the first sign of trouble: then it is lost for good."""

    def __init__(
        self,
        *,
        timeout: float,
        limit: int,
        on_push: Callable[[list[Any]], None] = ignore,
        on_lost: Callable[[str], None] = ignore,
        on_rejected: OnRejected = ignore,
        observer: Observer = ignore,
        redirect: Redirect | None = None,
    ) -> None:
        self._redirect = redirect
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout
        self._limit = limit
        self._on_push = on_push
        self._on_lost = on_lost
        self._on_rejected = on_rejected
        self._observer = observer
        self._reader = hiredis.Reader(notEnoughData=NOTHING)
        self._transport: asyncio.Transport | None = None
        self._pending: deque[Pending] = deque()
        self._outbox: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._lost: str | None = None

    def send(
        self,
        name: str,
        args: Sequence[Argument],
        decode: Decode | None = None,
        source: str | None = None,
    ) -> asyncio.Future[Any]:
        """Queues a command; all that are queued in one turn of the loop leave in one write.

        `source` is the text of the command's script, for a server that does not know it yet.
        """
        future: PromptReply[Any] = PromptReply(self._loop)
        self.send_for(future, name, args, decode, source)
        return future

    def send_for(
        self,
        recipient: Recipient,
        name: str,
        args: Sequence[Argument],
        decode: Decode | None = None,
        source: str | None = None,
        packed: bytes | None = None,
    ) -> None:
        """The same for who has something of its own to get the answer. `packed`: `args` as they are sent."""
        self.check()
        if packed is None:
            packed = hiredis.pack_command(tuple(args))  # type: ignore[arg-type]  # its stub says a 1-tuple
        if len(self._pending) >= self._limit:
            raise StoreUnavailable("too many commands wait for the store")
        self._pending.append((recipient, monotonic(), name, decode, source, args))
        self._outbox.append(packed)
        if len(self._outbox) == 1:
            self._loop.call_soon(self._flush)
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._look)

    def resend(self, pending: Pending, *, asking: bool = False) -> None:
        """Sends a command here that another server has refused. `asking`: its slot is on its way here."""
        self.check()
        recipient, _, name, decode, source, args = pending
        if asking:
            self.send("ASKING", ("ASKING",))
            decode = _certain(decode)
        self.send_for(recipient, name, args, decode, source)

    def check(self) -> None:
        """Raises StoreUnavailable once the connection is lost."""
        if self._lost is not None:
            raise StoreUnavailable(self._lost)

    def lose(self, reason: str) -> None:
        """Closes the connection at once and fails every command that waits on it."""
        if self._lost is not None:
            return
        self._lost = reason
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._on_lost(reason)
        pending, self._pending = self._pending, deque()
        for future, sent, name, *_ in pending:
            self._observer(name, monotonic() - sent, FAILED)
            if not future.done():
                future.set_exception(StoreUnavailable(reason))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is ready. uvloop's transports are no subclass of asyncio's, hence the cast."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server or the network closed the connection."""
        self.lose(
            "the store closed the connection" if exc is None else f"the connection broke: {_words(exc)}"
        )

    def data_received(self, data: bytes) -> None:
        """Takes every whole reply out of what came."""
        reader = self._reader
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not NOTHING:
                self._take(reply)
        except hiredis.ProtocolError:
            self.lose("what answers is not a Redis server")

    def _take(self, answer: Any) -> None:
        kind = type(answer)
        if kind is _PUSH:
            self._on_push(answer)
        elif not self._pending:
            # A server with too many connections says so before it is greeted, or after.
            unasked = CommandRejected("HELLO", str(answer)).reason if kind is _ERROR else UNASKED
            self.lose(unasked)
        elif kind is _ERROR:
            self._refused(self._pending.popleft(), str(answer))
        else:
            recipient, sent, name, decode, _, _ = self._pending.popleft()
            self._observer(name, monotonic() - sent, not FAILED)
            if recipient.done():
                return  # Its caller was cancelled; the answer must not reach the next one.
            try:
                recipient.set_result(answer if decode is None else decode(answer))
            except Exception as error:
                recipient.set_exception(error)

    def _refused(self, pending: Pending, text: str) -> None:
        recipient, sent, name, decode, source, args = pending
        refusal = CommandRejected(name, text)
        # NOSCRIPT is no failure: the script's text follows.
        by_text = source is not None and refusal.code == "NOSCRIPT"
        if not by_text and self._is_redirected(pending, text):
            return
        self._observer(name, monotonic() - sent, not by_text)
        if not by_text:
            self._on_rejected(refusal)
        if recipient.done():
            return
        if not by_text:
            recipient.set_exception(refusal)
            return
        try:
            self.send_for(recipient, name, ("EVAL", source or "", *args[2:]), decode)
        except StoreUnavailable as error:
            recipient.set_exception(error)

    def _is_redirected(self, pending: Pending, refusal: str) -> bool:
        return self._redirect is not None and not pending[0].done() and self._redirect(refusal, pending)

    def _flush(self) -> None:
        outbox, self._outbox = self._outbox, []
        if self._transport is not None and self._lost is None:
            self._transport.write(b"".join(outbox))

    def _look(self) -> None:
        """One timer for all: only the oldest command can be the first to be late."""
        self._timer = None
        if not self._pending:
            return
        left = self._pending[0][1] + self._timeout - monotonic()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._timer = self._loop.call_later(SECOND_LOOK, self._judge, self._pending[0])

    def _judge(self, oldest: Pending) -> None:
        if self._pending and self._pending[0] is oldest:
            self.lose(f"the store gave no answer within {self._timeout:g} s")
        else:
            self._look()


def _certain(decode: Decode | None) -> Decode:
    """While a slot is on its way, a key that is not here may still be there: nothing found says nothing."""

    def read(reply: Any) -> Any:
        if reply is None:
            raise SlotMoving
        return reply if decode is None else decode(reply)

    return read


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
