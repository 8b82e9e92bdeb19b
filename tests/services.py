"""The token server's components on a real store, for tests."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.accounts.attempt_limiter import AttemptLimiter
from gateway.accounts.clients import ClientAuthentication, Clients
from gateway.accounts.file_users import FileUsers
from gateway.http.endpoints import GatewayPaths
from gateway.oauth.brute_force import LockoutPolicy
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.model import Client, Secret
from gateway.oauth.nonce import Nonces
from gateway.oauth.opaque_tokens import OpaqueTokens, derived_key
from gateway.oauth.scope import ScopeRules
from gateway.oauth.token_encryption import TokenCipher
from gateway.oauth.user import User
from gateway.oauth_flows.token import TokenRequestState, TokenServices
from gateway.plugin import PluginConfig, PluginContext
from gateway.signing.encrypted_keys import PURPOSE, EncryptedKeys
from gateway.signing.key_ring import KeyRing
from gateway.signing.rotation import KeyRules
from gateway.store import Store
from gateway.store.file_records import Identified
from gateway.store.key_names import KeyNames
from gateway.tokens.jwt_tokens import JwtTokens, SigningKeys
from gateway.tokens.sender_constraint import SenderConstraint
from gateway.tokens.token_cache import TokenCache
from gateway.tokens.token_formats import TokenFormats
from gateway.tokens.token_issuer import ReusableTokenCache, ReuseRules, TokenIssuer
from gateway.tokens.token_validator import ForeignIssuers, TokenValidator
from plugins.client_credentials import ClientCredentials
from tests.record_keys import MAC

ISSUER = "https://gateway.example"
DEFAULT_FORMAT = "opaque"
"""Set by the fixture `both_formats`."""
FORM = "application/x-www-form-urlencoded"


@dataclass
class Clock:
    """A clock controlled by the test."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def a_client(client_id: str = "demo", secret: str = "secret", **changes: object) -> Client:
    """A client of gateway.yaml."""
    values: dict[str, object] = {
        "id": client_id,
        "secrets": (Secret(hashlib.sha256(secret.encode()).digest()),),
        "scopes": ("orders.read", "orders.write"),
    }
    return Client(**(values | changes))  # type: ignore[arg-type]  # fields by name, as the tests give them


def known_users(*users: User) -> FileUsers:
    """Users of the file with the ids that the store assigns."""
    of_file = FileUsers(users)
    of_file.identify({user.key: Identified(f"file:{user.key}", "1") for user in users})
    return of_file


@dataclass
class Services:
    """One gateway's token server. Two of them on one store are two workers."""

    store: Store
    file_clients: Sequence[Client] = field(default_factory=lambda: [a_client()])
    reuse: ReuseRules = field(default_factory=ReuseRules)
    key: bytes = b"m" * 32
    clock: Clock = field(default_factory=Clock)
    live: ReusableTokenCache = field(default_factory=ReusableTokenCache)
    cache: TokenCache = field(default_factory=lambda: TokenCache(KeyNames(""), time.monotonic))
    format: str = field(default_factory=lambda: DEFAULT_FORMAT)
    """The default token format."""
    key_rules: KeyRules = field(default_factory=KeyRules)
    signing_keys: SigningKeys | None = None
    """Replaces the signing keys in the store."""
    foreign: ForeignIssuers | None = None
    nonces: Nonces | None = None
    rules: LockoutPolicy = field(default_factory=lambda: LockoutPolicy(first_delay=0.0))

    def __post_init__(self) -> None:
        self.tokens = OpaqueTokens((derived_key(self.key, "token tag"),), secrets.token_bytes)
        seal = TokenCipher((derived_key(self.key, "token seal"),), secrets.token_bytes)
        self.vault = EncryptedKeys(
            self.store.signing_keys, TokenCipher((derived_key(self.key, PURPOSE),), secrets.token_bytes)
        )
        self.signing_keys = self.signing_keys or KeyRing(
            self.vault, self.key_rules, self.clock, "", self.cache.forget_all
        )
        self.jwts = JwtTokens(self.signing_keys, ISSUER, ISSUER, secrets.token_bytes)
        formats = TokenFormats(self.tokens, self.jwts, self.format)
        self.issuer = TokenIssuer(self.store.tokens, formats, seal, self.reuse, self.clock, self.live)
        self.clients = Clients(self.file_clients, self.store.clients)
        self.token_validator = TokenValidator(
            self.store.tokens, self.cache, self.tokens, self.jwts, self.clients, self.foreign
        )
        self.authentication = ClientAuthentication(
            self.clients,
            AttemptLimiter("token", self.store.attempts, self.rules),
            self.clock,
            issuer=ISSUER,
            once=self.store.once,
        )
        self.binding = SenderConstraint(self.store.once, self.clock, self.nonces)
        grant = ClientCredentials(PluginConfig(), PluginContext(self.clock))
        self.token_services = TokenServices(
            clients=self.authentication,
            grants={"client_credentials": grant},
            scope_rules=ScopeRules(),
            lifetime_rules=LifetimeRules(),
            issuer=self.issuer,
            clock=self.clock,
            binding=self.binding,
            paths=GatewayPaths(ISSUER),
        )


@dataclass
class Worker:
    """A gateway's token server that hears from its store."""

    services: Services
    store: Store
    asked: list[str]
    """What the store was asked, in its order."""


@asynccontextmanager
async def worker(url: str, prefix: str, **options: Any) -> AsyncIterator[Worker]:
    """One of several workers of a gateway, each with a memory of its own."""
    asked: list[str] = []

    def observe(name: str, seconds: float, failed: bool) -> None:
        if name not in ("PING", "HELLO", "CLIENT"):
            asked.append(name)

    store = Store(url, prefix, tracking=True, observer=observe, mac=MAC)
    services = Services(store, **options)
    store.listeners.add(services.live)
    assert isinstance(services.signing_keys, KeyRing)
    store.listeners.add(services.signing_keys)
    await store.start()
    try:
        yield Worker(services, store, asked)
    finally:
        await store.stop()


def token_call(
    body: str = "grant_type=client_credentials",
    *,
    basic: str | None = "demo:secret",
    query: str = "",
    content_type: str | None = FORM,
    address: str = "192.0.2.1",
) -> TokenRequestState:
    """A token request."""
    authorization = [] if basic is None else [b"Basic " + base64.b64encode(basic.encode())]
    return TokenRequestState(query, content_type, body.encode(), authorization, address)
