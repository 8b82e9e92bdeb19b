"""The signing keys of one worker: read from the store, and read again after an invalidation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import Any

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.jose.signing_key import SigningKey, read_pem
from gateway.signing.encrypted_keys import EncryptedKeys, KeysUnreadable
from gateway.signing.rotation import KeyRules, ensure, wanting
from gateway.signing.rotation_schedule import Records, published, signing
from gateway.store.invalidation import INVALIDATE

log = logging.getLogger("gatepost")

MIN_READ_INTERVAL = 1.0
"""Seconds between two reads while there are no invalidations."""


class KeyRing:
    """A listener of the store's connection, like the token cache: keys hold until they are invalidated."""

    def __init__(
        self,
        vault: EncryptedKeys,
        rules: KeyRules,
        clock: Clock,
        store_key: str,
        on_withdrawn: Callable[[], None],
    ) -> None:
        """`on_withdrawn` is called when a published key is removed: its tokens are no longer valid."""
        self._vault = vault
        self._rules = rules
        self._clock = clock
        self._store_key = store_key.encode()
        self._on_withdrawn = on_withdrawn
        self._records: Records = ()
        self._keys: dict[str, SigningKey] = {}
        self._hears = False
        self._current = False
        self._problem: KeysUnreadable | None = None
        """Why the last read has given no keys."""
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self.version = 0
        """Incremented with every change of the keys."""

    async def signer(self) -> SigningKey:
        """The key to sign with now; the first key is generated when it is needed.

        Raises:
            StoreUnavailable: the keys can't be read.
        """
        await self.learn()
        if wanting(self._records, self._rules, self._clock()):
            try:
                await ensure(self._vault, self._rules, self._clock, self._records)
            except KeysUnreadable as error:
                raise StoreUnavailable(str(error)) from error
            await self._read()
        key = self._signs()
        if key is None:
            raise StoreUnavailable("there is no key to sign with")
        return key

    def ready(self) -> SigningKey | None:
        """The key to sign with now, where it is known without a store command."""
        if not self._current or wanting(self._records, self._rules, self._clock()):
            return None
        return self._signs()

    def _signs(self) -> SigningKey | None:
        record = signing(self._records, self._clock())
        return None if record is None else self._keys[record.kid]

    def find(self, kid: str) -> SigningKey | None:
        """The published key with this `kid`."""
        now = self._clock()
        return self._keys[kid] if any(kid == record.kid for record in published(self._records, now)) else None

    @property
    def current(self) -> bool:
        """Whether the keys are up to date: an unknown `kid` is of no key."""
        return self._current and self._problem is None

    @property
    def published(self) -> list[dict[str, Any]]:
        """The public keys, as served at /jwks."""
        return [self._keys[record.kid].jwk for record in published(self._records, self._clock())]

    async def learn(self) -> None:
        """Reads the keys unless they are up to date. Raises StoreUnavailable."""
        if not self._current and (self._hears or monotonic() - self._read_at >= MIN_READ_INTERVAL):
            await self._read()
        if self._problem is not None:
            raise StoreUnavailable(str(self._problem)) from self._problem

    async def _read(self) -> None:
        """Reads the keys, once for all concurrent callers."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_now(), name="signing keys")
        await asyncio.shield(self._reading)

    async def _read_now(self) -> None:
        try:
            contents = await self._vault.read(self._on_reply)
            self._problem = None
            if contents.sealed is None and self._records:
                await self._put_back()
            else:
                self._take(contents.records)
        except KeysUnreadable as error:
            if self._problem is None:
                log.error("%s", error)
            self._problem = error
            self._take(())
        finally:
            self._reading = None
            self._read_at = monotonic()

    async def _put_back(self) -> None:
        """Writes the known keys: keys are never removed, so the store has lost them."""
        if await self._vault.replace(None, self._records):
            count = len(self._records)
            log.error("the store has lost the signing keys: put back the %d that are known", count)
        else:  # another worker or gateway has written first
            self._take((await self._vault.read(self._on_reply)).records)

    def _on_reply(self) -> None:
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

    # Callbacks of the store's connection.

    def on_tracking_on(self) -> None:
        """The store sends invalidations from now on."""
        self._hears = True
        self._forget()

    def on_tracking_off(self) -> None:
        """Invalidations may have been missed."""
        self._hears = self._current = False

    def on_invalidate(self, message: list[Any]) -> None:
        """Reads the keys again after they were invalidated."""
        if message[0] == INVALIDATE and (message[1] is None or self._store_key in message[1]):
            self._forget()

    def _forget(self) -> None:
        self._current = False
        if self._read_at > float("-inf"):
            # Keys that were needed before will be needed again: read now, so that no request waits.
            task = asyncio.get_running_loop().create_task(self._again())
            task.add_done_callback(_said)

    async def _again(self) -> None:
        # A read under way may have been answered before the change.
        if self._reading is not None:
            await asyncio.wait({self._reading})
        if not self._current:
            await self._read()


def _said(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.debug("the signing keys could not be read: %s", task.exception())
