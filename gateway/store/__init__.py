"""The store: tokens, clients and counters in a Redis or Valkey server, shared by all workers and gateways."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.errors import StartError
from gateway.store.activity import ActivityStore
from gateway.store.address import CLUSTER, EMBEDDED, StoreAddress, parse_address
from gateway.store.applications import ApplicationMissing, ApplicationStore
from gateway.store.calls import CallStore
from gateway.store.change_listener import ChangeListener
from gateway.store.clients import ClientStore, ClientWrite
from gateway.store.errors import ClientContended, ClientExists, ClientMissing, ClientUnreadable
from gateway.store.failed_attempts import FailedAttempts, FailedAttemptStore
from gateway.store.health import StoreHealth, StoreReport
from gateway.store.invalidation import InvalidationListener
from gateway.store.invalidation_listeners import InvalidationListeners
from gateway.store.invitations import InvitationStore
from gateway.store.key_names import KeyNames, group_of, token_head
from gateway.store.key_uses import KeyUse, KeyUseStore
from gateway.store.limits import LimitStore
from gateway.store.link import Commands, StoreLink
from gateway.store.links import make_link
from gateway.store.notices import NoticeStore, QueuedNotice
from gateway.store.passkeys import PasskeyStore
from gateway.store.pool import StorePool
from gateway.store.record_mac import RecordMac
from gateway.store.redis_connection import RedisConnection
from gateway.store.redis_errors import CommandRejected, MissingRights
from gateway.store.refresh_tokens import RefreshDraft, RefreshTokenStore
from gateway.store.refusals import RefusalStore
from gateway.store.registered_users import RegisteredUsers
from gateway.store.replay_cache import ReplayCache
from gateway.store.replicated import ReplicatedCommands
from gateway.store.resp_connection import Observer, ignore
from gateway.store.response_cache import ResponseCache
from gateway.store.revocation_probe import RevocationProbe
from gateway.store.script import Script
from gateway.store.sentinel_answers import NO_CREDENTIALS, SentinelCredentials
from gateway.store.server_monitor import ServerMonitor
from gateway.store.sessions import SessionStore
from gateway.store.shared_value import SharedValue
from gateway.store.signed_records import RecordCounts, SignedRecords
from gateway.store.teams import MemberMissing, TeamMissing, TeamStore
from gateway.store.token_template import TokenTemplate
from gateway.store.tokens import (
    Issued,
    TokenDraft,
    TokenStore,
    closed_generation,
    new_generation,
    shortest_reusable,
)
from gateway.store.tracked_cache import TrackedCache
from gateway.store.usage import UsageStore
from gateway.store.user_mails import UserMailStore
from gateway.store.users import UserChanged, UserExists, UserStore

if TYPE_CHECKING:
    from gateway.store.cluster_connection import ClusterConnection

__all__ = [
    "EMBEDDED",
    "ApplicationMissing",
    "ApplicationStore",
    "ChangeListener",
    "ClientContended",
    "ClientExists",
    "ClientMissing",
    "ClientStore",
    "ClientUnreadable",
    "ClientWrite",
    "FailedAttemptStore",
    "FailedAttempts",
    "InvalidationListener",
    "Issued",
    "KeyNames",
    "KeyUse",
    "LimitStore",
    "MemberMissing",
    "NoticeStore",
    "Observer",
    "QueuedNotice",
    "RecordCounts",
    "RecordMac",
    "RedisConnection",
    "RefreshDraft",
    "RefreshTokenStore",
    "RefusalStore",
    "RegisteredUsers",
    "ReplayCache",
    "ResponseCache",
    "Script",
    "SentinelCredentials",
    "ServerMonitor",
    "SessionStore",
    "SharedValue",
    "SignedRecords",
    "Store",
    "StoreAddress",
    "StoreHealth",
    "StorePool",
    "StoreReport",
    "TeamMissing",
    "TeamStore",
    "TokenDraft",
    "TokenStore",
    "TokenTemplate",
    "TrackedCache",
    "UsageStore",
    "UserChanged",
    "UserExists",
    "UserStore",
    "closed_generation",
    "group_of",
    "ignore",
    "key_names",
    "new_generation",
    "parse_address",
    "shortest_reusable",
    "token_head",
]


def key_names(url: str, prefix: str) -> KeyNames:
    """The names of the keys in the store of a `store.url`. Raises StartError for one that can't be used."""
    return KeyNames(prefix, cluster=_address(url).topology == CLUSTER)


def _address(url: str) -> StoreAddress:
    try:
        return parse_address(url)
    except ValueError as error:
        raise StartError(f"store.url {error}") from None


class Store:
    """Everything a worker keeps in the store. One for each worker, made inside its event loop.

    `url` is a `store.url`; for `embedded`, what `EmbeddedStore.start` returned.
    `sentinel` has what Sentinels ask for. `revoke_wait_replicas`: so many must have a revocation.
    `mac` signs the records that grant something.
    Raises StartError for a URL that can't be used.
    """

    def __init__(
        self,
        url: str,
        prefix: str = "gatepost:",
        timeout: float = 1.0,
        *,
        mac: RecordMac,
        sentinel: SentinelCredentials = NO_CREDENTIALS,
        revoke_wait_replicas: int = 0,
        tracking: bool = False,
        allow_eviction: bool = False,
        listener: InvalidationListener | None = None,
        observer: Observer = ignore,
    ) -> None:
        address = _address(url)
        self.listeners = InvalidationListeners(*([] if listener is None else [listener]))
        """Those who hear of changes."""
        self.link: StoreLink = make_link(
            address,
            sentinel,
            timeout=timeout,
            tracking=tracking,
            listener=self.listeners,
            observer=observer,
        )
        self.clock = self.link.clock
        """The store's time, alike for all gateways."""
        self.names = key_names(url, prefix)
        self.pool = StorePool(lambda: self.link.server, timeout=timeout)
        self.mac = mac
        self.changes = ChangeListener()
        self._rights = MissingRights()
        self._waiting: RedisConnection | ClusterConnection | None = None
        """A connection of its own for revocations that wait for replicas."""
        ending: Commands = self.link
        if revoke_wait_replicas:
            self._waiting = make_link(address, sentinel, timeout=timeout, observer=observer, follow=False)
            ending = ReplicatedCommands(self._waiting, revoke_wait_replicas, timeout)
            ending.on_rejected = self._waiting.on_rejected = self._on_rejected
        self._open_tokens_and_accounts(ending, timeout)
        self._open_single_values()
        self.health = StoreHealth(self.link, self.names, ending=ending)
        self.server = ServerMonitor(self.link, self.names, allow_eviction=allow_eviction)
        self._listen(tracking=tracking)

    def _open_tokens_and_accounts(self, ending: Commands, timeout: float) -> None:
        """What belongs to clients and people. `ending` revokes."""
        link, pool, names, mac, changes = self.link, self.pool, self.names, self.mac, self.changes
        self.tokens = TokenStore(link, names, mac, ending)
        self.refresh_tokens = RefreshTokenStore(link, names, mac, ending)
        self.clients = ClientStore(link, pool, names, mac, changes, None if ending is link else ending)
        self.applications = ApplicationStore(link, pool, names, mac, changes, ending)
        self.users = UserStore(link, names, mac, changes, ending)
        self.teams = TeamStore(link, names, mac, changes, ending)
        self.passkeys = PasskeyStore(link, names, mac, changes, ending)
        self.user_mails = UserMailStore(link, names, mac, changes)
        self.registered_users = RegisteredUsers(link, names)
        self.sessions = SessionStore(link, names, mac)
        self.invitations = InvitationStore(link, names, mac)
        self.attempts = FailedAttemptStore(link, names)
        self.usage = UsageStore(link, names)
        self.key_uses = KeyUseStore(link, names)
        self.calls = CallStore(link, names)
        self.activity = ActivityStore(link, names)
        self.limits = LimitStore(link, pool, names, timeout=timeout)
        self.refusals = RefusalStore(link, names)
        self.notices = NoticeStore(link, names, mac)

    def _open_single_values(self) -> None:
        """Keys, records by name, and what may be used only once."""
        self.signing_keys = SharedValue(self.link, self.names.signing_keys)
        self.key_check = SharedValue(self.link, self.names.key_check)
        self.records = SignedRecords(self.link, self.names, self.mac)
        self.once = ReplayCache(self.link, self.names)

    def _listen(self, *, tracking: bool) -> None:
        """Hears of what becomes of the connection, and of what others change."""
        self.link.on_up = self._on_up
        self.link.on_down = self.pool.reset
        self.link.on_rejected = self.pool.on_rejected = self._on_rejected
        self.probe = RevocationProbe(self.link, self.names)
        """How long changes take to reach workers."""
        self.listeners.add(self.server)
        if tracking:
            self.listeners.add(self.attempts.counts)
            self.listeners.add(self.clients.known)
            self.listeners.add(self.probe)

    async def start(self) -> None:
        """Connects. Where the store can't be reached within the time-out, it goes on trying: see `ping`."""
        await asyncio.gather(self.link.start(), *([self._waiting.start()] if self._waiting else []))

    def monitor(self) -> None:
        """Begins to watch what the server is and what it takes, for as long as the store is used. Workers do;
        commands are done sooner.
        """
        self.health.start()
        self.server.start()
        self.probe.start()

    def _on_up(self) -> None:
        self.health.on_up()
        self.server.on_up()

    def _on_rejected(self, refusal: CommandRejected) -> None:
        self._rights.on_rejected(refusal)
        self.health.on_rejected(refusal)

    async def stop(self) -> None:
        """Closes all connections."""
        await self.probe.stop()
        await self.health.stop()
        await self.server.stop()
        await asyncio.gather(self.link.stop(), *([self._waiting.stop()] if self._waiting else []))
        await self.pool.close()

    async def ping(self) -> None:
        """Returns if the store answers. Raises StoreUnavailable."""
        await self.link.ping()
