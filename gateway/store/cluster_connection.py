"""The worker's links to a Redis Cluster: one to each master, each of which says what changes there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, cast

from gateway.errors import StoreUnavailable
from gateway.store.address import Host, StoreAddress
from gateway.store.cluster_commands import PreparingCommands, key_of, slot_of
from gateway.store.cluster_nodes import ClusterNodes
from gateway.store.cluster_view import SLOTS, ClusterView, newest_view
from gateway.store.invalidation import INVALIDATE, InvalidationListener, NullInvalidation
from gateway.store.link import OnConnect
from gateway.store.member_listener import MemberListener
from gateway.store.outage_log import OutageLog
from gateway.store.redis_connection import RedisConnection
from gateway.store.redis_errors import NOT_LOCAL, CommandRejected
from gateway.store.resp_connection import Argument, Decode, Observer, OnRejected, Pending, ignore
from gateway.store.script import Script
from gateway.store.store_clock import StoreClock

POLL = 0.25
"""Seconds between two questions to the nodes."""
MIN_PAUSE = 0.02
"""Seconds at least between two questions, and before a command is sent again that has to wait."""
KEPT = 10.0
"""Seconds for which a link is kept to a node that has no slots (yet), after a command was sent there."""


class ClusterConnection:
    """Sends each command to the master that has its key's slot (`gateway.store.link.StoreLink`).

    Follows MOVED and ASK, and sends again what meets a slot that is being moved. While any master can't be
    heard, or has not been prepared yet, nothing is cached: a revocation there would be missed.
    """

    def __init__(
        self,
        address: StoreAddress,
        *,
        timeout: float = 1.0,
        tracking: bool = False,
        listener: InvalidationListener | None = None,
        observer: Observer = ignore,
        follow: bool = True,
    ) -> None:
        """`follow`: commands that a node refuses are sent where it says."""
        self._follow = follow
        address.ssl_context()  # a file that can't be read is told now
        self._address = address
        self._timeout = timeout
        self._tracking = tracking
        self._listener: InvalidationListener = NullInvalidation() if listener is None else listener
        self._observer = observer
        self.on_connect: OnConnect | None = None
        self.on_rejected: OnRejected = ignore
        self.on_up: Callable[[], None] = ignore
        self.on_down: Callable[[], None] = ignore
        self.clock = StoreClock()
        self._nodes = ClusterNodes(address, timeout)
        self._known: frozenset[Host] = frozenset(address.hosts)
        """All nodes that may be asked."""
        self._masters: frozenset[Host] = frozenset()
        self._members: dict[Host, RedisConnection] = {}
        """The links by host."""
        self._used: dict[Host, float] = {}
        """When a command was last sent to a node that has no slots."""
        self._slots: list[RedisConnection | None] = [None] * SLOTS
        self._hears: set[RedisConnection] = set()
        """The links that hear what changes."""
        self._ready: set[RedisConnection] = set()
        """The links that `on_connect` has prepared since they came up."""
        self._losses = 0
        self._heard = False
        self._down = False
        """Whether the nodes say that the cluster is down."""
        self._waiting: dict[asyncio.Future[Any], float] = {}
        """Since when commands were redirected."""
        self._reason = "the store is not connected yet"
        self._outages = OutageLog(address)
        self._news = asyncio.Event()
        self._up = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def server(self) -> StoreAddress:
        """The cluster's address."""
        return self._address

    @property
    def connected(self) -> bool:
        """Whether every master can be asked, as far as is known."""
        return not self._down and bool(self._masters) and all(map(self._usable, self._masters))

    @property
    def reason(self) -> str:
        """Why not every master can be asked; empty while they can."""
        return self._reason

    @property
    def tracks(self) -> bool:
        """Whether changes are told, as far as is known."""
        return self._tracking and self.tracking_problem is None

    @property
    def tracking_problem(self) -> str | None:
        """Why a server does not say what changes although it should."""
        found = (link.tracking_problem for link in self._members.values())
        return next((problem for problem in found if problem is not None), None)

    async def start(self) -> None:
        """Begins to connect, and gives it `timeout` seconds: after that it goes on trying by itself."""
        self._keeper = asyncio.create_task(self._keep(), name="store cluster")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._up.wait()

    async def stop(self) -> None:
        """Closes all connections; commands under way fail."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        self._reason = "the gateway is stopping"  # said beforehand, so it is not logged as a loss
        await asyncio.gather(*(link.stop() for link in self._members.values()), *self._closing)
        await self._nodes.close()

    def drop(self, reason: str) -> None:
        """Leaves all masters; commands under way fail. The links connect again by themselves."""
        for link in list(self._members.values()):
            link.drop(reason)

    async def execute(self, *args: Argument, decode: Decode | None = None) -> Any:
        """Runs one command at the master that has its key; without a key, at any."""
        return await self.link_for(args).execute(*args, decode=decode)

    def script(
        self, script: Script, keys: Sequence[Argument], args: Sequence[Argument], decode: Decode | None = None
    ) -> asyncio.Future[Any]:
        """Runs a script at the master that has its keys."""
        return self._route(keys[0]).script(script, keys, args, decode)

    def watch(self, key: str, value: bytes) -> None:
        """Sees that the listener hears when `key` no longer holds `value`, if it does so now."""
        try:
            self._route(key).watch(key, value)
        except StoreUnavailable:
            self._listener.on_invalidate([INVALIDATE, [key.encode()]])

    def watched(self, key: str) -> bytes | None:
        """What a key holds whose changes are heard of; None: nobody knows here."""
        link = self._slots[slot_of(key)]
        return None if link is None or not self._heard else link.watched(key)

    def read_watched(self, key: str) -> asyncio.Future[bytes | None]:
        """What a key holds. From then on `watched` knows it, until it changes."""
        return self._route(key).read_watched(key)

    async def ping(self) -> None:
        """Returns if every master answers."""
        if not self.connected:
            raise StoreUnavailable(self._reason)
        await asyncio.gather(*(self._members[host].ping() for host in self._masters))

    def ask_time(self, clock: StoreClock | None = None) -> asyncio.Future[Any]:
        """Sets `clock` by the time of one of the masters, the same as long as it is there."""
        return self._any().ask_time(clock or self.clock)

    def link_for(self, args: Sequence[Argument], *, prepared: bool = True) -> RedisConnection:
        """The link that a command goes to. Raises StoreUnavailable."""
        key = key_of(args)
        return self._any(prepared=prepared) if key is None else self._route(key, prepared=prepared)

    def _route(self, key: Argument, *, prepared: bool = True) -> RedisConnection:
        link = self._slots[slot_of(key)]
        if link is None:
            raise StoreUnavailable(self._reason or "no server of the cluster has the key's slot")
        if prepared and link not in self._ready:
            raise StoreUnavailable(link.reason or "the store is being prepared")
        return link

    def _any(self, *, prepared: bool = True) -> RedisConnection:
        for host in sorted(self._masters):
            link = self._members[host]
            if link.connected and (link in self._ready or not prepared):
                return link
        raise StoreUnavailable(self._reason or "no server of the cluster is connected")

    def _usable(self, host: Host) -> bool:
        link = self._members[host]
        return link.connected and link in self._ready

    # Who has which slots.

    async def _keep(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL if self._masters else MIN_PAUSE):
                    await self._news.wait()
            self._news.clear()
            await self._look()
            await self._prepare()
            await asyncio.sleep(MIN_PAUSE)

    async def _look(self) -> None:
        """Asks all nodes, and follows what the newest configuration says."""
        views, problem = await self._nodes.ask(self._known)
        view = newest_view(views)
        if view is None:
            # What is known stays good: each link says itself whether its server answers.
            if not self._masters:
                self._note(problem)
            return
        self._down = not view.ok
        if view.slots:
            await self._adopt(view)
        self._tell()

    async def _adopt(self, view: ClusterView) -> None:
        now = monotonic()
        self._masters = view.masters
        slots: list[RedisConnection | None] = [None] * SLOTS
        for first, last, host in view.slots:
            slots[first : last + 1] = [self._member(host)] * (last + 1 - first)
        before, self._slots = self._slots, slots
        if any(old is not None and old is not new for old, new in zip(before, slots, strict=True)):
            self._forget_all()
        for host in self._members.keys() - self._masters:
            if now - self._used.get(host, now - KEPT) >= KEPT:
                self._leave(host)
        known = view.nodes | frozenset(self._address.hosts)
        if known != self._known:
            self._known = known
            await self._nodes.forget(known)

    def _member(self, host: Host) -> RedisConnection:
        """The link to a server; a new one begins to connect."""
        link = self._members.get(host)
        if link is not None:
            return link
        link = self._members[host] = RedisConnection(
            self._address.at(host),
            timeout=self._timeout,
            tracking=self._tracking,
            listener=MemberListener(
                partial(self._hears_again, host), partial(self._deaf, host), self._invalidate
            ),
            observer=self._observer,
            redirect=self._redirect,
        )
        link.on_rejected = self._rejected
        link.on_up = self._news.set
        link.on_down = lambda: self._lost(link)
        link.begin()
        return link

    def _leave(self, host: Host) -> None:
        link = self._members.pop(host)
        self._used.pop(host, None)
        self._ready.discard(link)
        self._hears.discard(link)
        task = asyncio.create_task(link.stop("the server has no slots of the cluster any more"))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _rejected(self, refusal: CommandRejected) -> None:
        self.on_rejected(refusal)

    def _lost(self, link: RedisConnection) -> None:
        self._losses += 1
        self._ready.discard(link)
        if link in self._members.values():
            self._note(link.reason)
        self._news.set()
        self.on_down()

    async def _prepare(self) -> None:
        """Runs `on_connect` when all masters are there and one of them is new."""
        links = [self._members[host] for host in sorted(self._masters)]
        away = next((link.reason for link in links if not link.connected), None if links else self._reason)
        if self._down or away is not None:
            self._note("the cluster is down" if self._down else away or self._reason)
            return
        if not self._ready.issuperset(links):
            losses = self._losses
            try:
                if self.on_connect is not None:
                    await self.on_connect(PreparingCommands(partial(self.link_for, prepared=False)))
                with suppress(CommandRejected):  # a missing right: this machine's clock counts
                    await self._any(prepared=False).ask_time(self.clock)
            except Exception as error:  # whatever it is, the next attempt may succeed
                self._note(error.reason if isinstance(error, StoreUnavailable) else type(error).__name__)
                return
            if losses != self._losses:
                return
            self._ready.update(links)
            self.on_up()
        self._note("")
        self._tell()
        self._up.set()

    def _note(self, reason: str) -> None:
        """Keeps why not all can be asked, and has it logged."""
        if reason == self._reason:
            return
        self._reason = reason
        if reason:
            self._outages.lost(reason)
        else:
            self._outages.over(f"connected to {len(self._masters)} masters")

    # What changes.

    def _hears_again(self, host: Host) -> None:
        if host in self._members:
            self._hears.add(self._members[host])
        self._tell()

    def _deaf(self, host: Host) -> None:
        if host in self._members:
            self._hears.discard(self._members[host])
            self._forget_all()

    def _invalidate(self, message: list[Any]) -> None:
        """One of the servers says what has changed."""
        if message[0] == INVALIDATE:
            # A key that was read while its slot moved may be known to another link, too.
            for link in self._members.values():
                link.unwatch(message[1])
        self._listener.on_invalidate(message)

    def _forget_all(self) -> None:
        """Changes may have been missed."""
        for link in self._members.values():
            link.unwatch(None)
        self._heard = False
        self._listener.on_tracking_off()

    def _tell(self) -> None:
        """Tells the listener whether all masters are heard."""
        links = [self._members[host] for host in self._masters if host in self._members]
        heard = self.connected and self._hears.issuperset(links)
        if heard and not self._heard:
            self._heard = True
            self._listener.on_tracking_on()
        elif self._heard and not heard:
            self._forget_all()

    # Slots that move.

    def _redirect(self, text: str, pending: Pending) -> bool:
        """Sends a refused command where it belongs. False: the refusal is the answer."""
        code, *words = text.split(" ")
        if code in ("CLUSTERDOWN", "MOVED", "ASK"):
            self._news.set()
        follows = self._follow and (code in ("MOVED", "ASK", "TRYAGAIN") or NOT_LOCAL in text)
        if not follows or self._waited(cast("asyncio.Future[Any]", pending[0])) > self._timeout:
            return False
        if code in ("MOVED", "ASK") and len(words) > 1:
            host, _, port = words[1].rpartition(":")
            place = (host or self._address.host, int(port))
            target = self._member(place)
            self._used[place] = monotonic()
            if code == "MOVED":
                self._own(int(words[0]), target)
            if target.connected:
                target.resend(pending, asking=code == "ASK")
                return True
        asyncio.get_running_loop().call_later(MIN_PAUSE, self._again, pending)
        return True

    def _waited(self, future: asyncio.Future[Any]) -> float:
        """Seconds since the command was first redirected."""
        if future not in self._waiting:
            self._waiting[future] = monotonic()
            future.add_done_callback(self._waiting.pop)
        return monotonic() - self._waiting[future]

    def _own(self, slot: int, link: RedisConnection) -> None:
        if self._slots[slot] is not link:
            self._slots[slot] = link
            self._forget_all()
            self._tell()

    def _again(self, pending: Pending) -> None:
        future, _, _, _, _, args = pending
        if future.done():
            return
        try:
            self.link_for(args, prepared=False).resend(pending)
        except StoreUnavailable as error:
            future.set_exception(error)
