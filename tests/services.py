"""The token server's parts, put together for tests on a real store."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.clients import ClientAuthentication, Clients
from gateway.guard import Guard
from gateway.issuer import Issuer, ReuseRules
from gateway.oauth.guessing import GuessingRules
from gateway.oauth.lifetime import LifetimeRules
from gateway.oauth.opaque import OpaqueTokens, derived_key
from gateway.oauth.scope import ScopeRules
from gateway.oauth.sealing import TokenSeal
from gateway.oauth.values import Client, Secret
from gateway.plugin import PluginConfig, PluginContext
from gateway.store import Store
from gateway.token_cache import TokenCache
from gateway.token_endpoint import TokenCall, TokenDesk
from plugins.client_credentials import ClientCredentials

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
    cache: TokenCache = field(default_factory=lambda: TokenCache("", time.monotonic))
    rules: GuessingRules = field(default_factory=lambda: GuessingRules(first_delay=0.0))

    def __post_init__(self) -> None:
        self.tokens = OpaqueTokens(derived_key(self.key, "token tag"), secrets.token_bytes)
        seal = TokenSeal(derived_key(self.key, "token seal"), secrets.token_bytes)
        self.issuer = Issuer(self.store.tokens, self.tokens, seal, self.reuse, self.clock)
        self.clients = Clients(self.file_clients, self.store.clients)
        self.guard = Guard(self.store.tokens, self.cache, self.tokens, self.clients)
        self.authentication = ClientAuthentication(self.clients, self.store.attempts, self.rules, self.clock)
        grant = ClientCredentials(PluginConfig(), PluginContext(self.clock))
        self.desk = TokenDesk(
            clients=self.authentication,
            grants={"client_credentials": grant},
            scope_rules=ScopeRules(),
            lifetime_rules=LifetimeRules(),
            issuer=self.issuer,
            clock=self.clock,
        )


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
