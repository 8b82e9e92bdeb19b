"""The store from the configuration."""

from __future__ import annotations

from gateway.assembly.tokens import record_mac
from gateway.config.model import Settings
from gateway.signing.master_keys import MasterKeys
from gateway.store import InvalidationListener, Observer, SentinelCredentials, Store, ignore


def make_store(
    settings: Settings,
    url: str,
    keys: MasterKeys,
    *,
    tracking: bool = False,
    listener: InvalidationListener | None = None,
    observer: Observer = ignore,
) -> Store:
    """A store that is not connected yet. `url`: `store.url`, or the embedded server's. Raises StartError."""
    return Store(
        url,
        settings.store.prefix,
        settings.store.timeout,
        mac=record_mac(keys),
        sentinel=SentinelCredentials(*settings.store.sentinel.login),
        revoke_wait_replicas=settings.store.revoke_wait_replicas,
        tracking=tracking,
        allow_eviction=settings.store.allow_eviction,
        listener=listener,
        observer=observer,
    )
