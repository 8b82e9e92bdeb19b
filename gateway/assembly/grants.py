"""What the grants are lent: people, refresh tokens, and the rules of gateway.yaml."""

from __future__ import annotations

import secrets

from gateway.accounts.clients import Clients
from gateway.accounts.grant_users import SignedUpUsers
from gateway.accounts.passwords import Passwords
from gateway.accounts.users import UserAuthentication, Users
from gateway.assembly.tokens import master_of
from gateway.assembly.users import file_users
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.config.tokens import Scopes
from gateway.oauth.guessing import GuessingRules
from gateway.oauth.opaque import derived_key
from gateway.oauth.refresh import RefreshTokens
from gateway.oauth.scope import ScopeRules
from gateway.store import Store
from gateway.tokens.refresh import RefreshFamilies


def refresh_families(settings: Settings, store: Store, clients: Clients, clock: Clock) -> RefreshFamilies:
    """The refresh tokens; none are given out until their grant is started."""
    tokens = RefreshTokens(derived_key(master_of(settings), "refresh tag"), secrets.token_bytes)
    return RefreshFamilies(store.refresh_tokens, tokens, clients, clock)


def grant_users(settings: Settings, store: Store, clock: Clock) -> SignedUpUsers:
    """The users of the file and of the store, behind the rules against guessing."""
    users = Users(file_users(settings.portal.users), store.users, Passwords(), clock)
    door = UserAuthentication(users, store.attempts, GuessingRules())
    return SignedUpUsers(users, door, store.registered_users)


def scope_rules(scopes: Scopes) -> ScopeRules:
    """What gateway.yaml says about scopes, as a rule."""
    return ScopeRules(tuple(scopes.default), scopes.application, tuple(scopes.allowed))
