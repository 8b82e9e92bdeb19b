"""The signing keys in the store, shared by its gateways, encrypted with a key that is not in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from gateway.errors import GatepostError, StoreUnavailable
from gateway.oauth.token_encryption import TokenCipher
from gateway.signing.rotation_schedule import KeyRecord, Records
from gateway.store.json_record import JsonRecord, write_record

PURPOSE = "signing keys"
"""The purpose of the derived key, and the associated data of the encryption."""


class KeysUnreadable(GatepostError):  # noqa: N818 (the name says the state)
    """The keys in the store were encrypted by a gateway with another master key."""

    def __init__(self) -> None:
        super().__init__(
            "the signing keys in the store can't be decrypted: gateways that share a store must share "
            "tokens.keys (`gatepost keys rotate --at-once` replaces the signing keys)"
        )


class KeyStore(Protocol):
    """One value in the store, shared by all gateways."""

    async def get(self, on_reply: Callable[[], None]) -> bytes | None:
        """The value. `on_reply` is called in the order of replies and invalidations."""

    async def swap(self, before: bytes | None, after: bytes) -> bool:
        """Replaces `before` by `after`; False where another value is stored by now."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The signing keys, as read from the store."""

    records: Records
    sealed: bytes | None
    """The encrypted value in the store; None where there is none."""


class EncryptedKeys:
    """Reads and replaces the keys. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, store: KeyStore, seal: TokenCipher) -> None:
        self._store = store
        self._seal = seal
        self.problem: str | None = None
        """The error that reading and writing raise; None: there is none."""

    async def read(self, on_reply: Callable[[], None] = lambda: None) -> Contents:
        """All keys. Raises KeysUnreadable."""
        self._refuse()
        sealed = await self._store.get(on_reply)
        return Contents(() if sealed is None else self._opened(sealed), sealed)

    async def sealed(self) -> bytes | None:
        """The value in the store, whichever key it was encrypted with."""
        return await self._store.get(lambda: None)

    async def replace(self, before: bytes | None, records: Sequence[KeyRecord]) -> bool:
        """Writes the keys, unless they were written since `before` was read."""
        self._refuse()
        return await self._store.swap(before, self._seal.seal(_written(records), PURPOSE))

    async def renew(self) -> bool:
        """Encrypts with the first master key what was encrypted with another; False where it was current.

        Raises KeysUnreadable.
        """
        contents = await self.read()
        if contents.sealed is None or self._seal.is_current(contents.sealed, PURPOSE):
            return False
        return await self.replace(contents.sealed, contents.records)

    async def export(self) -> str | None:
        """The keys as plain text, for a backup; None where there are none. Raises KeysUnreadable."""
        contents = await self.read()
        return None if contents.sealed is None else _written(contents.records)

    async def replace_with(self, text: str) -> None:
        """Puts exported keys in the place of all that are there. ValueError where the text is none of theirs.

        Raises StoreUnavailable, also where somebody else writes at the same moment.
        """
        records = _parsed(text)
        if not await self.replace(await self.sealed(), records):
            raise StoreUnavailable("others keep changing the signing keys")

    async def encrypted_with(self) -> Literal["none", "current", "older", "other"]:
        """Which master key they are encrypted with: the first, another of `tokens.keys`, or one that is not
        there.
        """
        sealed = await self.sealed()
        if sealed is None:
            return "none"
        if self._seal.is_current(sealed, PURPOSE):
            return "current"
        return "other" if self._seal.open(sealed, PURPOSE) is None else "older"

    def _refuse(self) -> None:
        if self.problem is not None:
            raise StoreUnavailable(self.problem)

    def _opened(self, sealed: bytes) -> Records:
        text = self._seal.open(sealed, PURPOSE)
        if text is None:
            raise KeysUnreadable
        try:
            return _parsed(text)
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


def _parsed(text: str) -> Records:
    return tuple(_record(item) for item in JsonRecord.parse(text.encode()).records("keys"))


def _record(item: JsonRecord) -> KeyRecord:
    return KeyRecord(
        kid=item.text("kid"),
        algorithm=item.text("alg"),
        pem=item.text("pem"),
        signs_from=item.whole("from"),
        ends=item.whole_or_none("ends"),
    )
