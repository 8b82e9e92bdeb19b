"""The parts that make and know tokens, from the configuration and the master key."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.keys import master_key
from gateway.oauth.nonce import Nonces
from gateway.oauth.opaque import OpaqueTokens, derived_key
from gateway.oauth.sealing import TokenSeal
from gateway.signing.fixed import FixedKeys
from gateway.signing.ring import KeyRing
from gateway.signing.rotation import KeyRules
from gateway.signing.vault import PURPOSE, KeyVault
from gateway.store import SigningKeyStore, Store
from gateway.store.signing_keys import signing_keys_key
from gateway.tokens.cache import TokenCache
from gateway.tokens.formats import JWT, TokenFormats
from gateway.tokens.jwt import JwtTokens


@dataclass(frozen=True, slots=True)
class TokenParts:
    """What issuing and checking have in common."""

    opaque: OpaqueTokens
    jwts: JwtTokens
    formats: TokenFormats
    seal: TokenSeal
    nonces: Nonces | None
    """For DPoP proofs; None: they need not bear one."""
    keys: KeyRing | FixedKeys


def master_of(settings: Settings) -> bytes:
    """The instance's master key. Raises StartError."""
    key = settings.tokens.key
    return master_key(key.get_secret_value() if key else None, settings.server.state_dir)


def key_vault(store: SigningKeyStore, master: bytes) -> KeyVault:
    """The place of the signing keys."""
    return KeyVault(store, TokenSeal(derived_key(master, PURPOSE), secrets.token_bytes))


def key_rules(settings: Settings) -> KeyRules:
    """What gateway.yaml says about signing keys."""
    signing, tokens = settings.tokens.signing, settings.tokens
    return KeyRules(signing.algorithm, signing.lead, tokens.max_lifetime)


def signing_keys(
    settings: Settings, master: bytes, store: SigningKeyStore, cache: TokenCache, clock: Clock
) -> KeyRing | FixedKeys:
    """The keys: from files, or kept in the store."""
    if settings.tokens.signing.keys:
        return FixedKeys(settings.tokens.signing.keys)
    key = signing_keys_key(settings.store.prefix)
    return KeyRing(key_vault(store, master), key_rules(settings), clock, key, cache.forget_all)


def token_parts(settings: Settings, store: Store, cache: TokenCache, clock: Clock) -> TokenParts:
    """All of them. The keys hear from the store from now on. Raises StartError."""
    master = master_of(settings)
    keys = signing_keys(settings, master, store.signing_keys, cache, clock)
    store.listeners.add(keys)
    opaque = OpaqueTokens(derived_key(master, "token tag"), secrets.token_bytes)
    audience = settings.tokens.audience or settings.server.public_url
    jwts = JwtTokens(keys, settings.server.public_url, audience, clock, secrets.token_bytes)
    return TokenParts(
        opaque,
        jwts,
        TokenFormats(opaque, jwts, settings.tokens.format),
        # Another name than before tags were BLAKE2b: a token with an old tag is never given out again.
        TokenSeal(derived_key(master, "token seal 2"), secrets.token_bytes),
        Nonces(derived_key(master, "dpop nonce")) if settings.tokens.dpop_nonce else None,
        keys,
    )


def signs_tokens(settings: Settings) -> bool:
    """Whether gateway.yaml has any client whose tokens are JWTs."""
    formats = {client.format or settings.tokens.format for client in settings.clients}
    return JWT in formats | {settings.tokens.format}
