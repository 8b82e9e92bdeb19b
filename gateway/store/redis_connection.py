"""The worker's one connection to the store, which everything on the hot path shares; kept up by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from gateway.errors import StoreUnavailable
from gateway.runtime.lazy_reply import Recipient
from gateway.store.address import StoreAddress
from gateway.store.handshake import ask_time, greet, open_wire
from gateway.store.invalidation import INVALIDATE, InvalidationListener, NullInvalidation, keepalive
from gateway.store.link import OnConnect
from gateway.store.outage_log import OutageLog
from gateway.store.primary import FixedPrimary, PrimaryLocator
from gateway.store.redis_errors import NOT_PRIMARY, CommandRejected, reason_of
from gateway.store.resp_connection import (
    FAILED,
    Argument,
    Decode,
    Observer,
    OnRejected,
    Pending,
    Redirect,
    RespConnection,
    ignore,
)
from gateway.store.script import Script
from gateway.store.store_clock import StoreClock

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.5
"""Seconds from the start of one attempt to connect to the start of the next."""
STEADY = 1.0
"""Seconds that a connection has stood before its loss is worth an attempt at once."""
MOST_PENDING = 10_000
MOST_WATCHED = 10_000
"""Keys that are remembered as watched; with more all are forgotten, which costs a question for each."""


class RedisConnection:
    """Runs commands over one multiplexed RESP3 connection.

    Every command raises StoreUnavailable when the store can't be reached, gives no answer in `timeout`
    seconds, or answers with an error. After a loss the link connects again by itself; meanwhile commands
    fail at once.
    """

    def __init__(
        self,
        address: StoreAddress,
        *,
        timeout: float = 1.0,
        limit: int = MOST_PENDING,
        tracking: bool = False,
        listener: InvalidationListener | None = None,
        observer: Observer = ignore,
        primary: PrimaryLocator | None = None,
        redirect: Redirect | None = None,
    ) -> None:
        """`primary` finds the server for each connection; None: `address` is where it is."""
        self._address = address
        self._redirect = redirect
        self._primary: PrimaryLocator = FixedPrimary(address) if primary is None else primary
        self._current: StoreAddress | None = None
        self._tls = address.ssl_context()
        self._timeout = timeout
        self._limit = limit
        self._tracking = tracking
        self.on_connect: OnConnect | None = None
        """To be set before `start`."""
        self.on_rejected: OnRejected = ignore
        """Is told of each command that the server refuses."""
        self.on_up: Callable[[], None] = ignore
        """Is told of each new connection."""
        self.on_down: Callable[[], None] = ignore
        """Is told of each lost connection."""
        self.clock = StoreClock()
        """The store's time."""
        self.tracking_problem: str | None = None
        """Why the server does not say what changes although it should; None: it does, as far as is known."""
        self._listener: InvalidationListener = NullInvalidation() if listener is None else listener
        self._observer = observer
        self._wire: RespConnection | None = None
        self._reason = "the store is not connected yet"
        self._outages = OutageLog(address)
        self._up = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._watched: dict[bytes, bytes] = {}
        """The keys whose changes this connection is told of, and what they hold."""

    @property
    def tracks(self) -> bool:
        """Whether changes are told, as far as is known."""
        return self._tracking and self.tracking_problem is None

    @property
    def connected(self) -> bool:
        """Whether a connection stands, as far as is known."""
        return self._wire is not None

    @property
    def server(self) -> StoreAddress:
        """The server that it was last connected to. Raises StoreUnavailable before there was one."""
        if self._current is None:
            raise StoreUnavailable(self._reason)
        return self._current

    @property
    def reason(self) -> str:
        """Why no connection stands; empty while one does."""
        return self._reason

    def begin(self) -> None:
        """Begins to connect."""
        self._keeper = asyncio.create_task(self._keep(), name="store link")

    async def start(self) -> None:
        """Begins to connect, and gives it `timeout` seconds: after that the link goes on trying by itself."""
        self.begin()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._up.wait()

    def drop(self, reason: str) -> None:
        """Leaves the server; commands under way fail. The link connects again by itself."""
        if self._wire is not None:
            self._wire.lose(reason)

    def ask_time(self, clock: StoreClock | None = None) -> asyncio.Future[Any]:
        """Sets a clock by the store's time; `clock` of this link unless another one is given."""
        if self._wire is None:
            raise StoreUnavailable(self._reason)
        return ask_time(self._wire, clock or self.clock)

    def link_for(self, args: Sequence[Argument]) -> RedisConnection:
        """The link that a command goes to: with one server, this one."""
        return self

    def send_and_wait(
        self, words: Sequence[Argument], replicas: int, milliseconds: int
    ) -> asyncio.Future[tuple[Any, Any]]:
        """Sends a command and, on the same connection, WAIT for so many replicas: the answers to both."""
        if self._wire is None:
            raise StoreUnavailable(self._reason)
        answer = self._wire.send(str(words[0]), words)
        return asyncio.gather(answer, self._wire.send("WAIT", ("WAIT", replicas, milliseconds)))

    def resend(self, pending: Pending, *, asking: bool = False) -> None:
        """Sends a command here that another server has refused. `asking`: its slot is on its way here."""
        if self._wire is None:
            raise StoreUnavailable(self._reason)
        self._wire.resend(pending, asking=asking)

    async def stop(self, reason: str = "the gateway is stopping") -> None:
        """Closes the connection; commands under way fail with the reason."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        self._reason = reason  # said beforehand, so it is not logged as a loss
        if self._wire is not None:
            self._wire.lose(self._reason)
        await self._primary.close()

    async def execute(self, *args: Argument, decode: Decode | None = None) -> Any:
        """Runs one command. `decode` sees the reply at its place in the order of replies and pushes."""
        return await self._send(str(args[0]), args, decode)

    def script(
        self, script: Script, keys: Sequence[Argument], args: Sequence[Argument], decode: Decode | None = None
    ) -> asyncio.Future[Any]:
        """Runs a script by its digest, or by its text where the server has not seen it yet."""
        return self._send(script.name, _by_digest(script, keys, args), decode, script.source)

    def run(
        self, script: Script, args: Sequence[Argument], packed: bytes, decode: Decode, recipient: Recipient
    ) -> None:
        """Runs a script whose command was made already. `args`: its words; `packed`: as they are sent."""
        try:
            if self._wire is None:
                raise StoreUnavailable(self._reason)
            self._wire.send_for(recipient, script.name, args, decode, script.source, packed)
        except StoreUnavailable:
            self._observer(script.name, 0.0, FAILED)
            raise

    def watch(self, key: str, value: bytes) -> None:
        """Sees that the listener hears when `key` no longer holds `value`, if it does so now.

        What is watched already, and has not changed, costs nothing. Redis tracks only those keys of a
        script that were named beforehand (up to 7.0), or all that it reads (later). A key whose name only
        the script finds out must be read again by itself. Until the answer is there, which is in order
        too, what depends on the key may be kept.
        """

        if self.tracking_problem is not None:
            return  # nothing that depends on it is kept
        name = key.encode()
        if self._watched.get(name) == value:
            return
        self._remember(name, value)

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

    def watched(self, key: str) -> bytes | None:
        """What a key holds whose changes are heard of; None: nobody knows here."""
        return self._watched.get(key.encode())

    def read_watched(self, key: str) -> asyncio.Future[bytes | None]:
        """What a key holds. From then on `watched` knows it, until it changes."""

        def note(value: bytes | None) -> bytes | None:
            if value is not None and self.tracks:
                self._remember(key.encode(), value)
            return value

        return self._send("GET", ("GET", key), note)

    def unwatch(self, keys: Iterable[bytes] | None) -> None:
        """Forgets what is known of these keys, or of all."""
        if keys is None:
            self._watched.clear()
        else:
            for key in keys:
                self._watched.pop(key, None)

    def _remember(self, name: bytes, value: bytes) -> None:
        if len(self._watched) >= MOST_WATCHED:
            self._watched.clear()
        self._watched[name] = value

    def _hear(self, message: list[Any]) -> None:
        """What the server says unasked. It says once that a key has changed."""
        if message[0] == INVALIDATE:
            self.unwatch(message[1])
        self._listener.on_invalidate(message)

    async def ping(self) -> None:
        """Returns if the store answers."""
        await self.execute("PING")

    def _send(
        self,
        name: str,
        args: tuple[Argument, ...],
        decode: Decode | None,
        source: str | None = None,
    ) -> asyncio.Future[Any]:
        try:
            if self._wire is None:
                raise StoreUnavailable(self._reason)
            return self._wire.send(name, args, decode, source)
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
            address = await self._primary.locate()
            async with asyncio.timeout(self._timeout):
                wire = await self._connect(address, gone)
            await self._prepare(wire)
        except Exception as error:  # whatever it is, the next attempt may succeed
            self._note(reason_of(error))
            return 0.0
        since = monotonic()
        self._note("")
        self._wire, self._current = wire, address
        if self.tracking_problem is None:
            self._listener.on_tracking_on()
        self._up.set()
        self.on_up()
        moved = asyncio.create_task(self._leave_when_moved(wire, address))
        try:
            if self._tracking and self.tracking_problem is None:
                await keepalive(wire, self._listener, gone)
            await gone.wait()
        finally:
            moved.cancel()
        return monotonic() - since

    async def _leave_when_moved(self, wire: RespConnection, address: StoreAddress) -> None:
        await self._primary.moved(address)
        wire.lose("the primary is elsewhere now")

    async def _connect(self, address: StoreAddress, gone: asyncio.Event) -> RespConnection:
        wire = RespConnection(
            timeout=self._timeout,
            limit=self._limit,
            on_push=self._hear,
            on_lost=lambda reason: self._lost(gone, reason),
            on_rejected=self._rejected,
            observer=self._observer,
            redirect=self._redirect,
        )
        try:
            await open_wire(wire, address, self._tls)
            problem = await greet(wire, address, tracking=self._tracking, clock=self.clock)
            wire.check()
        except BaseException:
            wire.lose("the store could not be connected")
            raise
        if problem != self.tracking_problem and problem is not None:
            logger.warning(
                "store %s: no caches, since %s: each request asks the store", self._address, problem
            )
        self.tracking_problem = problem
        return wire

    async def _prepare(self, wire: RespConnection) -> None:
        if self.on_connect is None:
            return
        try:
            await self.on_connect(_ConnectionCommands(wire))
            wire.check()
        except BaseException:
            wire.lose("the store could not be prepared")
            raise

    def _lost(self, gone: asyncio.Event, reason: str) -> None:
        if self._wire is not None:
            self._wire = None
            self._watched.clear()
            self._listener.on_tracking_off()
            self._note(reason)
            self.on_down()
        gone.set()

    def _rejected(self, refusal: CommandRejected) -> None:
        if refusal.code in NOT_PRIMARY:
            # The primary is elsewhere by now: the name is resolved anew, and what is known here forgotten.
            self.drop(refusal.reason)
        self.on_rejected(refusal)

    def _note(self, reason: str) -> None:
        """Keeps why there is no connection, and has it logged."""
        if reason == self._reason:
            return
        self._reason = reason
        if reason:
            self._outages.lost(reason)
        else:
            self._outages.over("connected")


class _ConnectionCommands:
    """Sends commands on a connection that nothing else uses yet."""

    def __init__(self, wire: RespConnection) -> None:
        self._wire = wire

    async def execute(self, *args: Argument, decode: Decode | None = None) -> Any:
        return await self._wire.send(str(args[0]), args, decode)

    def script(
        self, script: Script, keys: Sequence[Argument], args: Sequence[Argument], decode: Decode | None = None
    ) -> asyncio.Future[Any]:
        return self._wire.send(script.name, _by_digest(script, keys, args), decode, script.source)


def _by_digest(script: Script, keys: Sequence[Argument], args: Sequence[Argument]) -> tuple[Argument, ...]:
    """The command that names the script by its digest."""
    return ("EVALSHA", script.digest, len(keys), *keys, *args)
