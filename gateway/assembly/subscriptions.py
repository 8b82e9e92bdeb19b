"""APIs that need a subscription, and who decides of them."""

from __future__ import annotations

import secrets

from gateway.accounts.registry import ClientRegistry
from gateway.accounts.subscriptions import ApiSubscriptions
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.store import Store


def developer_scopes(settings: Settings) -> tuple[str, ...]:
    """What developers may give their keys by themselves."""
    if settings.portal.scopes is not None:
        return tuple(settings.portal.scopes)
    return settings.every_scope


def subscriptions(settings: Settings, store: Store, clock: Clock) -> ApiSubscriptions:
    """The subscriptions of the store."""
    registry = ClientRegistry(store.clients, store.tokens, clock, secrets.token_bytes)
    return ApiSubscriptions(store.applications, registry, clock, developer_scopes(settings))
