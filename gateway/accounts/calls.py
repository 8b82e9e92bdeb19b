"""What a worker notes of the calls of the portal's clients, until it is written with the counts."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Protocol

from gateway.accounts.call_watch import CallWatch
from gateway.accounts.key_uses import LAST_CALL, KeyUses
from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.store.calls import CallCount, CallKind, CallStore, RecentCall

__all__ = ["CallCount", "CallKind", "CallLog", "CallRecorder", "RecentCall"]

log = logging.getLogger("gatepost")


class CallPeer(Protocol):
    """Who sent a request (`gateway.http.exchange.Peer`)."""

    @property
    def address(self) -> str:
        """The client's address."""


class CallHead(Protocol):
    """A request's head (`gateway.http.exchange.RequestHead`)."""

    @property
    def method(self) -> str:
        """As it came."""

    @property
    def headers(self) -> Iterable[tuple[bytes, bytes]]:
        """As they came."""

    @property
    def peer(self) -> CallPeer:
        """Who sent it."""


class ClientCalls:
    """The last calls of one client, and the counts of all, since the last write."""

    __slots__ = ("counts", "head", "last")

    def __init__(self, most: int, head: CallHead) -> None:
        self.head = head
        """Of the last call. Those before it are not kept: they are large."""
        self.last: deque[tuple[float, str, str, int, str, float, str]] = deque(maxlen=most)
        """Plain tuples of what a `RecentCall` has, which are made faster."""
        self.counts: dict[str, defaultdict[int | tuple[int, str], int]] = {}
        """By route, and then by status alone where there is no reason: that is found fastest."""

    def kinds(self) -> dict[CallKind, int]:
        """The counts as they are written."""
        return {
            CallKind(route, key, "") if isinstance(key, int) else CallKind(route, *key): number
            for route, counts in self.counts.items()
            for key, number in counts.items()
        }

    def before(self, later: ClientCalls) -> None:
        """Puts what could not be written before what came since."""
        later.last = deque((*self.last, *later.last), maxlen=later.last.maxlen)
        for route, counts in self.counts.items():
            there = later.counts.setdefault(route, defaultdict(int))
            for key, number in counts.items():
                there[key] += number


class CallLog:
    """The calls of a worker since its last write, by client. Whatever can wait until then does."""

    __slots__ = ("_clients", "_clock", "most")

    def __init__(self, clock: Clock, most: int) -> None:
        """`most`: so many last calls of each client are kept."""
        self._clock = clock
        self.most = most
        self._clients: dict[str, ClientCalls] = {}

    def note(
        self,
        client_id: str,
        head: CallHead,
        route: str,
        status: int,
        reason: str,
        seconds: float,
        request_id: str,
    ) -> None:
        """A call was answered. `reason`: the code of the gateway's refusal; empty: it was none."""
        calls = self._clients.get(client_id)
        if calls is None:
            # The last one is always known, for when the client was used last.
            calls = self._clients[client_id] = ClientCalls(self.most or 1, head)
        calls.head = head
        calls.last.append((self._clock(), head.method, route, status, reason, seconds, request_id))
        counts = calls.counts.get(route)
        if counts is None:
            counts = calls.counts[route] = defaultdict(int)
        counts[(status, reason) if reason else status] += 1

    def take(self) -> dict[str, ClientCalls]:
        """Hands over what is noted, and forgets it."""
        taken, self._clients = self._clients, {}
        return taken

    def give_back(self, client_id: str, calls: ClientCalls) -> None:
        """Keeps what could not be written for the next time."""
        later = self._clients.get(client_id)
        if later is None:
            self._clients[client_id] = calls
        else:
            calls.before(later)


class CallRecorder:
    """Writes a worker's calls to the store."""

    def __init__(self, calls: CallLog, store: CallStore, uses: KeyUses, clock: Clock) -> None:
        """`uses` hear of the last call of each client."""
        self.calls = calls
        self.watch: CallWatch | None = None
        """Looks at the calls that were written."""
        self._written: dict[str, dict[CallKind, int]] = {}
        self._store = store
        self._uses = uses
        self._clock = clock

    async def settle(self) -> None:
        """Writes now. What the store does not take is kept for the next time."""
        now = self._clock()
        for client_id, calls in self.calls.take().items():
            head, (time, *_) = calls.head, calls.last[-1]
            self._uses.note(client_id, LAST_CALL, head.peer.address, head.headers, time)
            recent = [RecentCall(*one) for one in calls.last] if self.calls.most else []
            kinds = calls.kinds()
            try:
                await self._store.write(client_id, recent, kinds, now, self.calls.most)
                if self.watch is not None:
                    self._written[client_id] = kinds
            except StoreUnavailable as error:
                log.debug("calls not settled: %s", error.reason)
                self.calls.give_back(client_id, calls)

    async def look(self) -> None:
        """Has what was written looked at, once the usage is written too."""
        written, self._written = self._written, {}
        if self.watch is not None:
            try:
                await self.watch.look(written)
            except StoreUnavailable as error:
                log.debug("calls are not looked at: %s", error.reason)
