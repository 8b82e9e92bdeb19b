"""Token formats, signing keys and ciphers from the configuration and the master keys."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from os import urandom

from gateway.accounts.clients import Clients
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.oauth.nonce import Nonces
from gateway.oauth.opaque_tokens import OpaqueTokens
from gateway.oauth.token_encryption import TokenCipher
from gateway.runtime.give_way import giving_way
from gateway.signing.encrypted_keys import PURPOSE, EncryptedKeys, KeysUnreadable
from gateway.signing.file_keys import FileKeys
from gateway.signing.key_check import KeyCheck, OtherMasterKey
from gateway.signing.key_ring import KeyRing
from gateway.signing.master_keys import MasterKeys, master_keys
from gateway.signing.rotation import KeyRules
from gateway.store import RecordMac, SharedValue, Store
from gateway.store.record_mac import PURPOSE as RECORDS
from gateway.tokens.backend_assertions import BackendAssertions
from gateway.tokens.jwt_tokens import JwtTokens
from gateway.tokens.token_cache import TokenCache
from gateway.tokens.token_formats import JWT, TokenFormats

log = logging.getLogger("gatepost")


@dataclass(frozen=True, slots=True)
class TokenParts:
    """The components shared by token issuing and validation."""

    opaque: OpaqueTokens
    jwts: JwtTokens
    formats: TokenFormats
    seal: TokenCipher
    nonces: Nonces | None
    """Nonces required in DPoP proofs; None if they are not required."""
    keys: KeyRing | FileKeys
    key_check: KeyCheck


def configured_keys(settings: Settings) -> MasterKeys:
    """The instance's master keys. Raises StartError."""
    keys = [key.get_secret_value() for key in settings.tokens.master_keys]
    return master_keys(keys, settings.server.state_dir)


def record_mac(keys: MasterKeys) -> RecordMac:
    """The MAC that authenticates records in the store."""
    return RecordMac(keys.derive(RECORDS))


def encrypted_keys(store: SharedValue, keys: MasterKeys) -> EncryptedKeys:
    """The encrypted signing keys in the store."""
    return EncryptedKeys(store, TokenCipher(keys.derive(PURPOSE), urandom))


def key_rules(settings: Settings) -> KeyRules:
    """The rotation rules of `tokens.signing`."""
    signing, tokens = settings.tokens.signing, settings.tokens
    return KeyRules(signing.algorithm, signing.lead, tokens.max_lifetime)


def signing_keys(
    settings: Settings, encrypted: EncryptedKeys, store_key: str, cache: TokenCache, clock: Clock
) -> KeyRing | FileKeys:
    """The signing keys: from files, or generated and kept in the store."""
    if settings.tokens.signing.keys:
        return FileKeys(settings.tokens.signing.keys)
    return KeyRing(encrypted, key_rules(settings), clock, store_key, cache.forget_all)


def key_check(master: MasterKeys, store: Store, encrypted: EncryptedKeys) -> KeyCheck:
    """The master key check. While it does not match the store, nothing is signed or encrypted."""

    def on_change(problem: OtherMasterKey | None) -> None:
        store.mac.problem = encrypted.problem = None if problem is None else problem.brief

    async def on_accepted(repaired: bool) -> None:
        if repaired and store.link.on_connect is not None:
            # What was left undone while the key was another.
            await store.link.on_connect(store.link)
        if len(master.secrets) > 1:
            await renew_records(store, encrypted)

    return KeyCheck(store.key_check, master, on_change, on_accepted)


async def renew_records(store: Store, encrypted: EncryptedKeys) -> None:
    """Re-signs and re-encrypts persistent records that depend on an older master key."""
    renewed = await store.records.renew()
    try:
        renewed += await encrypted.renew()
    except KeysUnreadable as error:
        log.error("%s", error)
    if renewed:
        log.info(
            "re-signed or re-encrypted %d records in the store with the first key of tokens.keys", renewed
        )


def token_parts(settings: Settings, store: Store, cache: TokenCache) -> TokenParts:
    """Creates the components and subscribes the keys to store invalidations. Raises StartError."""
    master = configured_keys(settings)
    encrypted = encrypted_keys(store.signing_keys, master)
    check = key_check(master, store, encrypted)
    keys = signing_keys(settings, encrypted, store.signing_keys.key, cache, store.clock)
    store.listeners.add(check)
    store.listeners.add(keys)
    opaque = OpaqueTokens(master.derive("token tag"), urandom)
    audience = settings.tokens.audience or settings.server.public_url
    jwts = JwtTokens(keys, settings.server.public_url, audience, urandom)
    return TokenParts(
        opaque,
        jwts,
        TokenFormats(opaque, jwts, settings.tokens.format),
        TokenCipher(master.derive("token seal"), urandom),
        Nonces(master.derive("dpop nonce")) if settings.tokens.dpop_nonce else None,
        keys,
        check,
    )


def backend_assertions(
    settings: Settings, keys: KeyRing | FileKeys, clients: Clients, store: Store, clock: Clock
) -> BackendAssertions:
    """What signs assertions for backends."""
    issuer, find = settings.server.public_url, store.applications.get
    return BackendAssertions(keys, issuer, clock, clients.find, find)


def signs_tokens(settings: Settings) -> bool:
    """Whether any client of the file gets JWT access tokens."""
    formats = {client.format or settings.tokens.format for client in giving_way(settings.clients)}
    return JWT in formats | {settings.tokens.format}
