"""The worker's one connection to the store, which everything on the hot path shares; kept up by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from gateway.errors import StoreUnavailable
from gateway.store.address import Address
from gateway.store.handshake import greet, open_wire
from gateway.store.listener import INVALIDATE, Deaf, Listener, keep_hearing
from gateway.store.script import Script
from gateway.store.wire import FAILED, Argument, Decode, Observer, Wire, ignore

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.5
"""Seconds from the start of one attempt to connect to the start of the next."""
STEADY = 1.0
"""Seconds that a connection has stood before its loss is worth an attempt at once."""
MOST_PENDING = 10_000
MOST_WATCHED = 10_000
"""Keys that are remembered as watched; with more all are forgotten, which costs a question for each."""


class Link:
    """Runs commands over one multiplexed RESP3 connection.

    Every command raises StoreUnavailable when the store can't be reached, gives no answer in `timeout`
    seconds, or answers with an error. After a loss the link connects again by itself; meanwhile commands
    fail at once.
    """

    def __init__(
        self,
        address: Address,
        *,
        timeout: float = 1.0,
        limit: int = MOST_PENDING,
        tracking: bool = False,
        listener: Listener | None = None,
        observer: Observer = ignore,
    ) -> None:
        self._address = address
        self._tls = address.ssl_context()
        self._timeout = timeout
        self._limit = limit
        self._tracking = tracking
        self._listener: Listener = Deaf() if listener is None else listener
        self._observer = observer
        self._wire: Wire | None = None
        self._reason = "the store is not connected yet"
        self._up = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._watched: dict[bytes, bytes] = {}
        """The keys whose changes this connection is told of, and what they hold."""

    @property
    def connected(self) -> bool:
        """Whether a connection stands, as far as is known."""
        return self._wire is not None

    async def start(self) -> None:
        """Begins to connect, and gives it `timeout` seconds: after that the link goes on trying by itself."""
        self._keeper = asyncio.create_task(self._keep(), name="store link")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._up.wait()

    async def stop(self) -> None:
        """Closes the connection; commands under way fail."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        self._reason = "the gateway is stopping"  # said beforehand, so it is not logged as a loss
        if self._wire is not None:
            self._wire.lose(self._reason)

    async def execute(self, *args: Argument, decode: Decode | None = None) -> Any:
        """Runs one command. `decode` sees the reply at its place in the order of replies and pushes."""
        return await self._send(str(args[0]), args, decode)

    def script(
        self, script: Script, keys: Sequence[Argument], args: Sequence[Argument], decode: Decode | None = None
    ) -> asyncio.Future[Any]:
        """Runs a script by its digest, or by its text where the server has not seen it yet."""
        rest = (len(keys), *keys, *args)
        by_text = ("EVAL", script.source, *rest)
        return self._send(script.name, ("EVALSHA", script.digest, *rest), decode, by_text)

    def watch(self, key: str, value: bytes) -> None:
        """Sees that the listener hears when `key` no longer holds `value`, if it does so now.

        What is watched already, and has not changed, costs nothing. Redis tracks only those keys of a
        script that were named beforehand (up to 7.0), or all that it reads (later). A key whose name only
        the script finds out must be read again by itself. Until the answer is there, which is in order
        too, what depends on the key may be kept.
        """

        name = key.encode()
        if self._watched.get(name) == value:
            return
        if len(self._watched) >= MOST_WATCHED:
            self._watched.clear()
        self._watched[name] = value

        def compare(reply: Any) -> None:
            if reply != value:
                self._hear([INVALIDATE, [name]])

        try:
            answer = self._send("GET", ("GET", key), compare)
        except StoreUnavailable:
            compare(None)
        else:
            # Without an answer nobody would hear of a change.
            answer.add_done_callback(lambda done: compare(None) if done.exception() else None)

    def _hear(self, message: list[Any]) -> None:
        """What the server says unasked. It says once that a key has changed."""
        if message[0] == INVALIDATE:
            if message[1] is None:
                self._watched.clear()
            else:
                for key in message[1]:
                    self._watched.pop(key, None)
        self._listener.push(message)

    async def ping(self) -> None:
        """Returns if the store answers."""
        await self.execute("PING")

    def _send(
        self,
        name: str,
        args: tuple[Argument, ...],
        decode: Decode | None,
        otherwise: tuple[Argument, ...] | None = None,
    ) -> asyncio.Future[Any]:
        try:
            if self._wire is None:
                raise StoreUnavailable(self._reason)
            return self._wire.send(name, args, decode, otherwise)
        except StoreUnavailable:
            self._observer(name, 0.0, FAILED)
            raise

    async def _keep(self) -> None:
        """Connects, waits for the loss, connects again: at once after a steady time, else more slowly."""
        pause = 0.0
        while True:
            begun = monotonic()
            stood = await self._stand()
            pause = 0.0 if stood > STEADY else min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
            await asyncio.sleep(max(begun + pause - monotonic(), 0.0))

    async def _stand(self) -> float:
        """One connection from its attempt to its loss. Returns the seconds that it stood."""
        gone = asyncio.Event()
        try:
            async with asyncio.timeout(self._timeout):
                wire = await self._connect(gone)
        except Exception as error:  # whatever it is, the next attempt may succeed
            self._note(_words(error))
            return 0.0
        since = monotonic()
        self._note("")
        self._wire = wire
        self._listener.up()
        self._up.set()
        if self._tracking:
            await keep_hearing(wire, self._listener, gone)
        await gone.wait()
        return monotonic() - since

    async def _connect(self, gone: asyncio.Event) -> Wire:
        wire = Wire(
            timeout=self._timeout,
            limit=self._limit,
            on_push=self._hear,
            on_lost=lambda reason: self._lost(gone, reason),
            observer=self._observer,
        )
        try:
            await open_wire(wire, self._address, self._tls)
            await greet(wire, self._address, tracking=self._tracking)
            wire.check()
        except BaseException:
            wire.lose("the store could not be connected")
            raise
        return wire

    def _lost(self, gone: asyncio.Event, reason: str) -> None:
        if self._wire is not None:
            self._wire = None
            self._watched.clear()
            self._listener.down()
            self._note(reason)
        gone.set()

    def _note(self, reason: str) -> None:
        """Keeps and logs why there is no connection, once for each new reason."""
        if reason == self._reason:
            return
        self._reason = reason
        if reason:
            logger.warning("store %s: %s", self._address, reason)
        else:
            logger.info("store %s: connected", self._address)


def _words(error: Exception) -> str:
    """An error's text for the log; never one that may repeat what was sent."""
    if isinstance(error, StoreUnavailable):
        return error.reason
    if isinstance(error, TimeoutError):
        return "the store did not accept a connection in time"
    if isinstance(error, OSError):
        return f"the store can't be reached: {error.strerror or error}"
    return f"the store can't be reached: {type(error).__name__}"
