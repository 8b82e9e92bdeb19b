"""The store: tokens, clients and counters in a Redis or Valkey server, shared by all workers and gateways."""

from __future__ import annotations

from gateway.errors import StartError
from gateway.store.address import EMBEDDED, Address, parse_address
from gateway.store.applications import ApplicationMissing, ApplicationStore
from gateway.store.attempts import AttemptStore, Failures
from gateway.store.clients import ClientStore
from gateway.store.errors import ClientContended, ClientExists, ClientMissing, ClientUnreadable
from gateway.store.limits import LimitStore
from gateway.store.link import Link
from gateway.store.listener import Listener
from gateway.store.listeners import Listeners
from gateway.store.once import OnceStore
from gateway.store.pool import Pool
from gateway.store.refresh_tokens import RefreshDraft, RefreshTokenStore
from gateway.store.registered_users import RegisteredUsers
from gateway.store.script import Script
from gateway.store.sessions import SessionStore
from gateway.store.signing_keys import SigningKeyStore
from gateway.store.tokens import (
    Issued,
    TokenDraft,
    TokenStore,
    closed_generation,
    new_generation,
    shortest_reusable,
)
from gateway.store.tracked import Tracked
from gateway.store.usage import UsageStore
from gateway.store.users import UserChanged, UserExists, UserStore
from gateway.store.wire import Observer, ignore

__all__ = [
    "EMBEDDED",
    "Address",
    "ApplicationMissing",
    "ApplicationStore",
    "AttemptStore",
    "ClientContended",
    "ClientExists",
    "ClientMissing",
    "ClientStore",
    "ClientUnreadable",
    "Failures",
    "Issued",
    "LimitStore",
    "Link",
    "Listener",
    "Observer",
    "OnceStore",
    "Pool",
    "RefreshDraft",
    "RefreshTokenStore",
    "RegisteredUsers",
    "Script",
    "SessionStore",
    "SigningKeyStore",
    "Store",
    "TokenDraft",
    "TokenStore",
    "Tracked",
    "UsageStore",
    "UserChanged",
    "UserExists",
    "UserStore",
    "closed_generation",
    "new_generation",
    "parse_address",
    "shortest_reusable",
]


class Store:
    """Everything a worker keeps in the store. One for each worker, made inside its event loop.

    `url` is `redis://`, `rediss://` or `unix://`; for `embedded`, what `EmbeddedStore.start` returned.
    Raises StartError for a URL that can't be used.
    """

    def __init__(
        self,
        url: str,
        prefix: str = "gatepost:",
        timeout: float = 1.0,
        *,
        tracking: bool = False,
        listener: Listener | None = None,
        observer: Observer = ignore,
    ) -> None:
        try:
            address = parse_address(url)
        except ValueError as error:
            raise StartError(f"store.url {error}") from None
        self.listeners = Listeners(*([] if listener is None else [listener]))
        """Those who hear of changes."""
        self.link = Link(
            address, timeout=timeout, tracking=tracking, listener=self.listeners, observer=observer
        )
        self._pool = Pool(address, timeout=timeout)
        self.tokens = TokenStore(self.link, prefix)
        self.clients = ClientStore(self.link, self._pool, prefix)
        self.refresh_tokens = RefreshTokenStore(self.link, prefix)
        self.registered_users = RegisteredUsers(self.link, prefix)
        self.attempts = AttemptStore(self.link, prefix)
        self.applications = ApplicationStore(self.link, self._pool, prefix)
        self.sessions = SessionStore(self.link, prefix)
        self.limits = LimitStore(self.link, self._pool, prefix)
        self.usage = UsageStore(self.link, prefix)
        self.users = UserStore(self.link, prefix)
        self.signing_keys = SigningKeyStore(self.link, prefix)
        self.once = OnceStore(self.link, prefix)
        if tracking:
            self.listeners.add(self.attempts.counts)
            self.listeners.add(self.clients.known)

    async def start(self) -> None:
        """Connects. Where the store can't be reached within the time-out, it goes on trying: see `ping`."""
        await self.link.start()

    async def stop(self) -> None:
        """Closes all connections."""
        await self.link.stop()
        await self._pool.close()

    async def ping(self) -> None:
        """Returns if the store answers. Raises StoreUnavailable."""
        await self.link.ping()
