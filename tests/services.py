"""The token server's parts, put together for tests on a real store."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.accounts.clients import ClientAuthentication, Clients
from gateway.oauth.guessing import GuessingRules
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.nonce import Nonces
from gateway.oauth.opaque import OpaqueTokens, derived_key
from gateway.oauth.scope import ScopeRules
from gateway.oauth.sealing import TokenSeal
from gateway.oauth.values import Client, Secret
from gateway.plugin import PluginConfig, PluginContext
from gateway.signing.ring import KeyRing
from gateway.signing.rotation import KeyRules
from gateway.signing.vault import PURPOSE, KeyVault
from gateway.steps.token import TokenCall, TokenDesk
from gateway.store import Store
from gateway.tokens.binding import Binding
from gateway.tokens.cache import TokenCache
from gateway.tokens.formats import TokenFormats
from gateway.tokens.guard import Foreign, Guard
from gateway.tokens.issuer import Issuer, LiveTokens, ReuseRules
from gateway.tokens.jwt import JwtTokens, Keys
from plugins.client_credentials import ClientCredentials

ISSUER = "https://gateway.example"
DEFAULT_FORMAT = "opaque"
"""The fixture `both_formats` sets it."""
FORM = "application/x-www-form-urlencoded"


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def a_client(client_id: str = "demo", secret: str = "secret", **changes: object) -> Client:
    """A client of the file."""
    values: dict[str, object] = {
        "id": client_id,
        "secrets": (Secret(hashlib.sha256(secret.encode()).digest()),),
        "scopes": ("orders.read", "orders.write"),
    }
    return Client(**(values | changes))  # type: ignore[arg-type]  # fields by name, as the tests give them


@dataclass
class Services:
    """One gateway's token server. Two of them on one store are two workers."""

    store: Store
    file_clients: Sequence[Client] = field(default_factory=lambda: [a_client()])
    reuse: ReuseRules = field(default_factory=ReuseRules)
    key: bytes = b"m" * 32
    clock: Clock = field(default_factory=Clock)
    live: LiveTokens = field(default_factory=LiveTokens)
    cache: TokenCache = field(default_factory=lambda: TokenCache("", time.monotonic))
    format: str = field(default_factory=lambda: DEFAULT_FORMAT)
    """What a client gets that has no format of its own."""
    key_rules: KeyRules = field(default_factory=KeyRules)
    signing_keys: Keys | None = None
    """In place of those in the store."""
    foreign: Foreign | None = None
    nonces: Nonces | None = None
    rules: GuessingRules = field(default_factory=lambda: GuessingRules(first_delay=0.0))

    def __post_init__(self) -> None:
        self.tokens = OpaqueTokens(derived_key(self.key, "token tag"), secrets.token_bytes)
        seal = TokenSeal(derived_key(self.key, "token seal 2"), secrets.token_bytes)
        self.vault = KeyVault(
            self.store.signing_keys, TokenSeal(derived_key(self.key, PURPOSE), secrets.token_bytes)
        )
        self.signing_keys = self.signing_keys or KeyRing(
            self.vault, self.key_rules, self.clock, "", self.cache.forget_all
        )
        self.jwts = JwtTokens(self.signing_keys, ISSUER, ISSUER, self.clock, secrets.token_bytes)
        formats = TokenFormats(self.tokens, self.jwts, self.format)
        self.issuer = Issuer(self.store.tokens, formats, seal, self.reuse, self.clock, self.live)
        self.clients = Clients(self.file_clients, self.store.clients)
        self.guard = Guard(self.store.tokens, self.cache, self.tokens, self.jwts, self.clients, self.foreign)
        self.authentication = ClientAuthentication(
            self.clients,
            self.store.attempts,
            self.rules,
            self.clock,
            issuer=ISSUER,
            once=self.store.once,
        )
        self.binding = Binding(self.store.once, self.clock, self.nonces)
        grant = ClientCredentials(PluginConfig(), PluginContext(self.clock))
        self.desk = TokenDesk(
            clients=self.authentication,
            grants={"client_credentials": grant},
            scope_rules=ScopeRules(),
            lifetime_rules=LifetimeRules(),
            issuer=self.issuer,
            clock=self.clock,
            binding=self.binding,
            uri=f"{ISSUER}/token",
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

    store = Store(url, prefix, tracking=True, observer=observe)
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
) -> TokenCall:
    """A token request."""
    authorization = [] if basic is None else [b"Basic " + base64.b64encode(basic.encode())]
    return TokenCall(query, content_type, body.encode(), authorization, address)
