"""Making keys and putting them into the vault, also when several gateways want to at once."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.jose.signing_key import make_key
from gateway.signing.schedule import KeyRecord, Records, first, rotated, signing, waiting
from gateway.signing.vault import KeyVault

TRIES = 10


@dataclass(frozen=True, slots=True)
class KeyRules:
    """What gateway.yaml says about keys."""

    algorithm: str = "ES256"
    """Of the keys that are made."""
    lead: int = 600
    """Seconds that a new key is published before it signs."""
    longest: int = 86_400
    """Seconds that a token can live."""


def new_record(algorithm: str) -> KeyRecord:
    """A new key, which signs from the beginning of time: the schedule says better."""
    key = make_key(algorithm)
    return KeyRecord(key.kid, key.algorithm, key.pem, 0)


def wanting(records: Records, rules: KeyRules, now: float) -> bool:
    """Whether a key has to be made: there is none, or none of the configured algorithm."""
    current = signing(records, now)
    return current is None or (current.algorithm != rules.algorithm and waiting(records, now) is None)


async def ensure(vault: KeyVault, rules: KeyRules, clock: Clock) -> None:
    """Makes a key where one is wanting. Of many that do it at once, one's key is kept."""
    for _ in range(TRIES):
        contents = await vault.read()
        if not wanting(contents.records, rules, clock()):
            return
        new = new_record(rules.algorithm)
        records = rotated(contents.records, new, clock(), lead=rules.lead, longest=rules.longest)
        if await vault.replace(contents.sealed, records):
            return
    raise StoreUnavailable("others keep changing the signing keys")


async def rotate(vault: KeyVault, rules: KeyRules, clock: Clock) -> Records:
    """Adds a key that is to sign `rules.lead` seconds from now. Raises RotationRefused while one waits."""
    for _ in range(TRIES):
        contents = await vault.read()
        new = new_record(rules.algorithm)
        records = rotated(contents.records, new, clock(), lead=rules.lead, longest=rules.longest)
        if await vault.replace(contents.sealed, records):
            return records
    raise StoreUnavailable("others keep changing the signing keys")


async def replace_all(vault: KeyVault, rules: KeyRules, clock: Clock) -> Records:
    """Puts one new key, which signs from now on, in the place of all others: whatever they signed is dead."""
    for _ in range(TRIES):
        before = await vault.sealed()
        records = first(new_record(rules.algorithm), clock())
        if await vault.replace(before, records):
            return records
    raise StoreUnavailable("others keep changing the signing keys")
