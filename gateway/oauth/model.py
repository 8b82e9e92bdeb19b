"""The plain values that the token server's rules work on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from gateway.oauth.trust import Trust
from gateway.runtime.frozen import open_twin

OWN: Final = ""
"""The issuer of the gateway's own tokens. No other issuer can have this name."""
OWN_ONLY: Final = frozenset({OWN})
"""What a route accepts that says nothing of other issuers."""


@dataclass(slots=True, frozen=True)
class Secret:
    """One of a client's secrets: only a hash of it, never the secret."""

    digest: bytes
    """SHA-256 of the secret's UTF-8 bytes; empty where only a foreign hash is known."""
    name: str = ""
    expires: int | None = None
    """Seconds since the epoch from which on it is refused; None: no end."""
    created: int = 0
    prefix: str = ""
    """What of an API key is shown."""
    foreign: str = ""
    """The hash that another server has made of it (`gateway.oauth.secret_hashes`), in place of the digest."""


@dataclass(frozen=True, slots=True)
class ExchangeRules:
    """Whose tokens a client may exchange, and for what at most."""

    subjects: frozenset[str] = OWN_ONLY
    """Names of issuers; `OWN` for the gateway's own tokens."""
    scopes: tuple[str, ...] | None = None
    """None: those that the client may ask for."""
    audiences: tuple[str, ...] = ()
    id_jag: bool = False
    """Whether its assertions must be Identity Assertion JWT Authorization Grants."""


@dataclass(slots=True, frozen=True)
class Subscription:
    """An API that a client may call though it is not open to every client."""

    api: str
    """Its name (`gateway.config.routes.RouteSettings.api_name`)."""
    tier: str = ""
    """The limits that the client has there; empty: its own."""


@dataclass(slots=True, frozen=True)
class Client:
    """A registered client (RFC 6749 section 2), from gateway.yaml or from the store."""

    id: str
    name: str = ""
    secrets: tuple[Secret, ...] = ()
    grants: frozenset[str] = frozenset({"client_credentials"})
    scopes: tuple[str, ...] = ()
    """What it may ask for, beside the defaults."""
    default_scopes: tuple[str, ...] | None = None
    """What it gets where it names no scope; None: the instance's `scopes.default`."""
    lifetime: int | None = None
    """Seconds that its tokens live; None: the instance's `tokens.lifetime`."""
    audiences: tuple[str, ...] = ()
    enabled: bool = True
    introspect: bool = False
    """Whether it may see every token at the introspection endpoint, not only its own and its audiences'."""
    format: str | None = None
    """`opaque` or `jwt`; None: the instance's `tokens.format`."""
    source: str = "file"
    """`file` (gateway.yaml, read-only) or `store`."""
    created: int = 0
    """Seconds since the epoch; 0 for clients of the file."""
    tier: str | None = None
    """The name of the limits that it has; None: those of everybody."""
    api_keys: tuple[Secret, ...] = ()
    """What it may show in place of an access token, on routes that take API keys."""
    owner: str = ""
    """The id of the user whose application's keys these are; empty: they are no application's."""
    application: str = ""
    """The id of that application."""
    auth: frozenset[str] = frozenset()
    """The ways in which it may authenticate itself; empty: all that its credentials allow."""
    jwks: str = ""
    """Its public keys: the text of a JWK Set (RFC 7517); empty: none."""
    jwks_uri: str = ""
    """Where its public keys are fetched instead; empty: nowhere."""
    assertion_audience: tuple[str, ...] = ("issuer",)
    """Whom its assertions may be made for: `issuer`, `token_endpoint`."""
    tls_subject: tuple[str, str] | None = None
    """Whose TLS certificate is the client's (RFC 8705 section 2.1.2): `("san_dns", "shop.example")`."""
    require_mtls: bool = False
    """Whether its tokens are bound to its TLS certificate."""
    require_dpop: bool = False
    """Whether its tokens are bound to a key of its own by DPoP."""
    trust: tuple[Trust, ...] = ()
    """The tokens of other issuers that its workloads show in place of a secret."""
    exchange: ExchangeRules | None = None
    """Whose tokens it may exchange; None: only those of its own workloads."""
    claims: str = ""
    """Claims of its own, as the records of its tokens note them; empty: none."""
    networks: tuple[str, ...] = ()
    """From where it may ask for tokens and use them; empty: from everywhere."""
    registration: str = ""
    """The hexadecimal SHA-256 of its registration access token; empty: it did not register itself."""
    credential_digests: tuple[str, ...] = ()
    """Of a client of the file: what the store's record of it has (`gateway.store.file_records`)."""
    subscriptions: tuple[Subscription, ...] = ()
    """The APIs with `access: request` that it may call."""

    @property
    def has_keys(self) -> bool:
        """Whether it has public keys, here or at a URL."""
        return bool(self.jwks or self.jwks_uri)

    def subscription(self, api: str) -> Subscription | None:
        """Its subscription to an API; None: it has none."""
        for one in self.subscriptions:
            if one.api == api:
                return one
        return None


@dataclass(slots=True, frozen=True)
class TokenInfo:
    """What is known of a live token. Facts only: whether it suffices is judged on every request."""

    client: str
    scopes: tuple[str, ...]
    audience: tuple[str, ...]
    subject: str
    issued: int
    """Seconds since the epoch."""
    expires: int
    """Seconds since the epoch; from then on the token is dead."""
    grant: str
    source: str = "file"
    """Where its client was registered: `file` or `store`."""
    user: str | None = None
    """The resource owner's name, where a grant has one."""
    user_id: str | None = None
    """The resource owner's id (`gateway.oauth.user.UserIdentity`); None: the gateway does not know him."""
    user_generation: str = ""
    """That which the resource owner had; the token ends when it moves."""
    extra: dict[str, str] = field(default_factory=dict)
    """What further grants and token formats note; kept short, it lies in the store."""
    issuer: str = OWN
    """The name of the issuer in gateway.yaml; `OWN` for the gateway's own tokens."""
    cnf: dict[str, str] = field(default_factory=dict)
    """What a caller must prove to hold (RFC 7800): `x5t#S256` a certificate, `jkt` a key. Empty: a bearer
    token, which suffices by itself."""
    tier: str | None = None
    """The limits that its client had when it was issued, where the client is one of the store: so nobody
    has to ask for them on a request. A client of the file has those of the file."""

    def at(self, issued: int, expires: int) -> TokenInfo:
        """The same of another token, which differs in its times alone."""
        if _open_token_info is None:
            return replace(self, issued=issued, expires=expires)
        other = _open_token_info()
        other.client = self.client
        other.scopes = self.scopes
        other.audience = self.audience
        other.subject = self.subject
        other.issued = issued
        other.expires = expires
        other.grant = self.grant
        other.source = self.source
        other.user = self.user
        other.user_id = self.user_id
        other.user_generation = self.user_generation
        other.extra = self.extra
        other.issuer = self.issuer
        other.cnf = self.cnf
        other.tier = self.tier
        other.__class__ = TokenInfo
        return other  # type: ignore[no-any-return]  # it is one by now


_open_token_info = open_twin(TokenInfo)
