"""What the parts of the store send their commands to: one server, or a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from gateway.store.address import StoreAddress
from gateway.store.resp_connection import Argument, Decode, OnRejected
from gateway.store.script import Script
from gateway.store.store_clock import StoreClock


class Commands(Protocol):
    """What commands can be sent to."""

    async def execute(self, *args: Argument, decode: Decode | None = None) -> Any:
        """Runs one command. `decode` sees the reply at its place in the order of replies and pushes."""

    def script(
        self, script: Script, keys: Sequence[Argument], args: Sequence[Argument], decode: Decode | None = None
    ) -> asyncio.Future[Any]:
        """Runs a script in one step."""


OnConnect = Callable[[Commands], Awaitable[None]]
"""Runs on each new connection before anything else may use it. Where it fails there is no connection."""


class StoreLink(Commands, Protocol):
    """A worker's way to the store, which keeps itself up.

    Every command raises StoreUnavailable when the store can't be reached, gives no answer in time, or answers
    with an error.
    """

    on_connect: OnConnect | None
    on_rejected: OnRejected
    """Is told of each command that the server refuses."""
    on_up: Callable[[], None]
    """Is told of each new connection."""
    on_down: Callable[[], None]
    """Is told of each lost connection."""

    @property
    def clock(self) -> StoreClock:
        """The store's time."""

    @property
    def tracking_problem(self) -> str | None:
        """Why the server does not say what changes although it should; None: it does, as far as is known."""

    @property
    def tracks(self) -> bool:
        """Whether changes are told, as far as is known."""

    @property
    def server(self) -> StoreAddress:
        """Where further connections lead now. Raises StoreUnavailable where that is not known."""

    @property
    def connected(self) -> bool:
        """Whether everything can be asked, as far as is known."""

    @property
    def reason(self) -> str:
        """Why not; empty while it can."""

    async def start(self) -> None:
        """Begins to connect, and gives it the time of one command: after that it goes on trying by itself."""

    async def stop(self) -> None:
        """Closes all connections; commands under way fail."""

    def drop(self, reason: str) -> None:
        """Leaves the server; commands under way fail. The link connects again by itself."""

    def ask_time(self) -> asyncio.Future[Any]:
        """Sets `clock` by the store's time."""

    def watch(self, key: str, value: bytes) -> None:
        """Sees that the listener hears when `key` no longer holds `value`, if it does so now."""

    def watched(self, key: str) -> bytes | None:
        """What a key holds whose changes are heard of; None: nobody knows here."""

    def read_watched(self, key: str) -> asyncio.Future[bytes | None]:
        """What a key holds. From then on `watched` knows it, until it changes."""

    async def ping(self) -> None:
        """Returns if the store answers."""
