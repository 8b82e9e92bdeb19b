"""The signing keys as one worker knows them: read from the vault, and read anew when the store says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import Any

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.jose.signing_key import SigningKey, read_pem
from gateway.signing.rotation import KeyRules, ensure, wanting
from gateway.signing.schedule import Records, published, signing
from gateway.signing.vault import KeysUnreadable, KeyVault
from gateway.store.listener import INVALIDATE

log = logging.getLogger("gatepost")

PAUSE = 1.0
"""Seconds between two readings while the store can't say when the keys change."""


class KeyRing:
    """Hears from the store's link, like the token cache: while it hears nothing new, what it knows holds."""

    def __init__(
        self, vault: KeyVault, rules: KeyRules, clock: Clock, store_key: str, on_withdrawn: Callable[[], None]
    ) -> None:
        """`on_withdrawn` is called when tokens of a key that was published are no longer good."""
        self._vault = vault
        self._rules = rules
        self._clock = clock
        self._store_key = store_key.encode()
        self._on_withdrawn = on_withdrawn
        self._records: Records = ()
        self._keys: dict[str, SigningKey] = {}
        self._hears = False
        self._current = False
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self.version = 0
        """Goes up with every change of the keys."""

    async def signer(self) -> SigningKey:
        """The key to sign with now; the first is made when it is first asked for.

        Raises:
            StoreUnavailable: the keys can't be read.
        """
        await self.learn()
        if wanting(self._records, self._rules, self._clock()):
            try:
                await ensure(self._vault, self._rules, self._clock)
            except KeysUnreadable as error:
                raise StoreUnavailable(str(error)) from error
            await self._read()
        key = self._signs()
        if key is None:
            raise StoreUnavailable("there is no key to sign with")
        return key

    def ready(self) -> SigningKey | None:
        """The key to sign with now, where that is known without asking the store."""
        if not self._current or wanting(self._records, self._rules, self._clock()):
            return None
        return self._signs()

    def _signs(self) -> SigningKey | None:
        record = signing(self._records, self._clock())
        return None if record is None else self._keys[record.kid]

    def find(self, kid: str) -> SigningKey | None:
        """The published key of that name."""
        now = self._clock()
        return self._keys[kid] if any(kid == record.kid for record in published(self._records, now)) else None

    @property
    def current(self) -> bool:
        """Whether there is no other key than those it knows."""
        return self._current

    @property
    def published(self) -> list[dict[str, Any]]:
        """The public halves, as /jwks shows them."""
        return [self._keys[record.kid].jwk for record in published(self._records, self._clock())]

    async def learn(self) -> None:
        """Makes sure that no change is missed. Raises StoreUnavailable."""
        if self._current or (not self._hears and monotonic() - self._read_at < PAUSE):
            return
        await self._read()

    async def _read(self) -> None:
        """Reads the vault, once for all who want to at the same time."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_now(), name="signing keys")
        await asyncio.shield(self._reading)

    async def _read_now(self) -> None:
        try:
            contents = await self._vault.read(self._noted)
            self._take(contents.records)
        except KeysUnreadable as error:
            log.error("%s", error)
            self._take(())
            raise StoreUnavailable(str(error)) from error
        finally:
            self._reading = None
            self._read_at = monotonic()

    def _noted(self) -> None:
        self._current = self._hears

    def _take(self, records: Records) -> None:
        if records == self._records:
            return
        keys = {record.kid: read_pem(record.pem.encode()) for record in records}
        withdrawn = self._keys.keys() - keys.keys()
        self._records, self._keys = records, keys
        self.version += 1
        if withdrawn:
            self._on_withdrawn()

    # What the link says.

    def up(self) -> None:
        """From now on the store says when the keys change."""
        self._hears = True
        self._forget()

    def down(self) -> None:
        """A change may have been missed."""
        self._hears = self._current = False

    def push(self, message: list[Any]) -> None:
        """Reads anew where the store says that the keys have changed."""
        if message[0] == INVALIDATE and (message[1] is None or self._store_key in message[1]):
            self._forget()

    def _forget(self) -> None:
        self._current = False
        if self._read_at > float("-inf"):
            # Who has needed keys before will need them again: nobody should have to wait for them.
            task = asyncio.get_running_loop().create_task(self._again())
            task.add_done_callback(_said)

    async def _again(self) -> None:
        # What is under way may have been answered before the change.
        if self._reading is not None:
            await asyncio.wait({self._reading})
        if not self._current:
            await self._read()


def _said(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.debug("the signing keys could not be read: %s", task.exception())
