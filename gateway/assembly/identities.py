"""Clients, people and tokens of one configuration: found, authenticated and validated."""

from __future__ import annotations

from time import monotonic

from gateway.accounts.clients import Clients
from gateway.accounts.file_users import FileUsers
from gateway.accounts.passwords import Passwords
from gateway.assembly.clients import file_clients
from gateway.assembly.grants import refresh_families
from gateway.assembly.issuers import make_issuers
from gateway.assembly.tokens import configured_keys, token_parts
from gateway.assembly.users import apply_file, file_users, with_digests
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.store import KeyNames, Store
from gateway.tokens.sender_constraint import SenderConstraint
from gateway.tokens.token_cache import TokenCache
from gateway.tokens.token_lookup import TokenLookup
from gateway.tokens.token_validator import TokenValidator


def token_cache(names: KeyNames) -> TokenCache:
    """The worker's cache of token records, by its monotonic clock."""
    return TokenCache(names, monotonic)


class Identities:
    """Who may call, and what their tokens say."""

    def __init__(self, settings: Settings, store: Store, cache: TokenCache, clock: Clock) -> None:
        """`cache` listens to the store already. What the file says is applied when the store is connected."""
        self.passwords = Passwords()
        self.static_clients = with_digests(
            file_clients(settings.clients, settings.server.public_url), configured_keys(settings)
        )
        """Those of gateway.yaml."""
        self.file_users = FileUsers(file_users(settings.portal.users))
        store.link.on_connect = apply_file(settings, store.names, self.file_users, self.static_clients)
        self.clients = Clients(self.static_clients, store.clients)
        """Those of gateway.yaml and of the store."""
        self.tokens = token_parts(settings, store, cache)
        self.sender_constraint = SenderConstraint(store.once, clock, self.tokens.nonces)
        self.families = refresh_families(settings, store, self.clients, clock)
        self.issuers = make_issuers(settings, self.static_clients, store.once, clock)
        self.validator = TokenValidator(
            store.tokens, cache, self.tokens.opaque, self.tokens.jwts, self.clients, self.issuers.directory
        )
        self.lookup = TokenLookup(self.validator, self.families)
