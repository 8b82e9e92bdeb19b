"""Services for the grants: user authentication, refresh tokens and scope rules."""

from __future__ import annotations

import secrets

from gateway.accounts.clients import Clients
from gateway.accounts.file_users import FileUsers
from gateway.accounts.grant_users import SignedUpUsers
from gateway.accounts.passwords import Passwords
from gateway.accounts.users import UserAuthentication, Users
from gateway.assembly.brute_force import attempt_limiter
from gateway.assembly.tokens import configured_keys
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.config.tokens import ScopeSettings
from gateway.oauth.refresh_token_format import RefreshTokens
from gateway.oauth.scope import ScopeRules
from gateway.store import Store
from gateway.tokens.refresh_families import RefreshTokenFamilies


def refresh_families(
    settings: Settings, store: Store, clients: Clients, clock: Clock
) -> RefreshTokenFamilies:
    """Refresh token issuing and rotation. None are issued unless the refresh_token grant is enabled."""
    tokens = RefreshTokens(configured_keys(settings).derive("refresh tag"), secrets.token_bytes)
    return RefreshTokenFamilies(store.refresh_tokens, tokens, clients, clock)


def grant_users(
    settings: Settings, file_users: FileUsers, store: Store, passwords: Passwords, clock: Clock
) -> SignedUpUsers:
    """Authenticates users of the file and of the store, with brute-force protection."""
    users = Users(file_users, store.users, passwords, clock)
    limiter = attempt_limiter("password-grant", settings, store)
    authentication = UserAuthentication(users, limiter, store.changes)
    return SignedUpUsers(authentication, store.registered_users)


def scope_rules(scopes: ScopeSettings) -> ScopeRules:
    """The scope rules of `scopes`."""
    return ScopeRules(tuple(scopes.default), scopes.application, tuple(scopes.allowed))
