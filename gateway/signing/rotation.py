"""Generates and replaces signing keys, also when several gateways do so at once."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.jose.signing_key import make_key
from gateway.signing.encrypted_keys import EncryptedKeys
from gateway.signing.rotation_schedule import KeyRecord, Records, first, rotated, signing, waiting

MAX_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class KeyRules:
    """The settings of signing keys."""

    algorithm: str = "ES256"
    """The algorithm of new keys."""
    lead: int = 600
    """Seconds that a new key is published before it signs."""
    longest: int = 86_400
    """The longest lifetime of a token, in seconds."""


def new_record(algorithm: str) -> KeyRecord:
    """A new key that signs from time 0; the schedule sets when."""
    key = make_key(algorithm)
    return KeyRecord(key.kid, key.algorithm, key.pem, 0)


def wanting(records: Records, rules: KeyRules, now: float) -> bool:
    """Whether a key must be generated: there is none, or none of the configured algorithm."""
    current = signing(records, now)
    return current is None or (current.algorithm != rules.algorithm and waiting(records, now) is None)


async def ensure(vault: EncryptedKeys, rules: KeyRules, clock: Clock, known: Records = ()) -> None:
    """Generates a key where one is missing. Of concurrent calls, the first one's key is kept.

    `known` are the keys in use: they are written again where the store has lost them.
    """
    for _ in range(MAX_ATTEMPTS):
        contents = await vault.read()
        if not wanting(contents.records, rules, clock()):
            return
        new = new_record(rules.algorithm)
        records = rotated(contents.records or known, new, clock(), lead=rules.lead, longest=rules.longest)
        if await vault.replace(contents.sealed, records):
            return
    raise StoreUnavailable("others keep changing the signing keys")


async def rotate(vault: EncryptedKeys, rules: KeyRules, clock: Clock) -> Records:
    """Adds a key that is to sign `rules.lead` seconds from now. Raises RotationRefused while one waits."""
    for _ in range(MAX_ATTEMPTS):
        contents = await vault.read()
        new = new_record(rules.algorithm)
        records = rotated(contents.records, new, clock(), lead=rules.lead, longest=rules.longest)
        if await vault.replace(contents.sealed, records):
            return records
    raise StoreUnavailable("others keep changing the signing keys")


async def replace_all(vault: EncryptedKeys, rules: KeyRules, clock: Clock) -> Records:
    """Replaces all keys by a new one, which signs at once: tokens of the others are no longer valid."""
    for _ in range(MAX_ATTEMPTS):
        before = await vault.sealed()
        records = first(new_record(rules.algorithm), clock())
        if await vault.replace(before, records):
            return records
    raise StoreUnavailable("others keep changing the signing keys")
