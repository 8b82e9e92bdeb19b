"""Where the keys lie: in the store, for all gateways that share it, under a key that is not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import GatepostError
from gateway.oauth.sealing import TokenSeal
from gateway.signing.schedule import KeyRecord, Records
from gateway.store.record import Record, write_record

PURPOSE = "signing keys"
"""What the vault's key is derived for, and what its contents are sealed as."""


class KeysUnreadable(GatepostError):  # noqa: N818 (the name says the state)
    """The keys in the store were sealed by a gateway with another token key."""

    def __init__(self) -> None:
        super().__init__(
            "the signing keys in the store can't be read: gateways that share a store must share tokens.key "
            "(`gatepost keys rotate --at-once` replaces the keys)"
        )


class KeyStore(Protocol):
    """One sealed value that all gateways see."""

    async def get(self, note: Callable[[], None]) -> bytes | None:
        """The value; `note` runs at the answer's place in the order of answers and invalidations."""

    async def swap(self, before: bytes | None, after: bytes) -> bool:
        """Puts `after` in the place of `before`; False where something else stands there by now."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in the vault."""

    records: Records
    sealed: bytes | None
    """As it lies in the store; None where nothing does."""


class KeyVault:
    """Reads and replaces the keys. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, store: KeyStore, seal: TokenSeal) -> None:
        self._store = store
        self._seal = seal

    async def read(self, note: Callable[[], None] = lambda: None) -> Contents:
        """All keys. Raises KeysUnreadable."""
        sealed = await self._store.get(note)
        return Contents(() if sealed is None else self._opened(sealed), sealed)

    async def sealed(self) -> bytes | None:
        """The keys as they lie there, whoever sealed them."""
        return await self._store.get(lambda: None)

    async def replace(self, before: bytes | None, records: Sequence[KeyRecord]) -> bool:
        """Writes the keys, unless somebody else has written since `before` was read."""
        return await self._store.swap(before, self._seal.seal(_written(records), PURPOSE))

    def _opened(self, sealed: bytes) -> Records:
        text = self._seal.open(sealed, PURPOSE)
        if text is None:
            raise KeysUnreadable
        try:
            return tuple(_record(item) for item in Record.parse(text.encode()).records("keys"))
        except (ValueError, TypeError):
            raise KeysUnreadable from None


def _written(records: Sequence[KeyRecord]) -> str:
    return write_record(
        {
            "keys": [
                {
                    "kid": record.kid,
                    "alg": record.algorithm,
                    "pem": record.pem,
                    "from": record.signs_from,
                    "ends": record.ends,
                }
                for record in records
            ]
        }
    )


def _record(item: Record) -> KeyRecord:
    return KeyRecord(
        kid=item.text("kid"),
        algorithm=item.text("alg"),
        pem=item.text("pem"),
        signs_from=item.whole("from"),
        ends=item.whole_or_none("ends"),
    )
