"""The last uses of keys: noted by each worker, written to the store now and then."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import NamedTuple

from gateway.accounts.client_library import library_of
from gateway.errors import StoreUnavailable
from gateway.store.key_uses import LAST_CALL, LAST_TOKEN, KeyUse, KeyUseStore

__all__ = ["LAST_CALL", "LAST_TOKEN", "KeyUse", "KeyUses"]

log = logging.getLogger("gatepost")


class _NotedUse(NamedTuple):
    """A use before anything is worked out of it."""

    time: float
    address: str
    headers: Iterable[tuple[bytes, bytes]]

    @property
    def use(self) -> KeyUse:
        """As it is written."""
        return KeyUse(int(self.time), self.address, library_of(self.headers))


class KeyUses:
    """The last uses since the last write, by client and what was used: one entry for each that is used."""

    def __init__(self, store: KeyUseStore) -> None:
        self._store = store
        self._uses: dict[str, dict[str, _NotedUse]] = {}

    def note(
        self, client_id: str, what: str, address: str, headers: Iterable[tuple[bytes, bytes]], now: float
    ) -> None:
        """A key was used now. `what`: the prefix of an API key, `LAST_TOKEN` or `LAST_CALL`; `headers`:
        those of the request.
        """
        self._uses.setdefault(client_id, {})[what] = _NotedUse(now, address, headers)

    async def settle(self) -> None:
        """Writes them. What the store does not take is kept for the next time, unless there is newer."""
        taken, self._uses = self._uses, {}
        for client_id, uses in taken.items():
            try:
                await self._store.write(client_id, {what: noted.use for what, noted in uses.items()})
            except StoreUnavailable as error:
                log.debug("uses of keys not settled: %s", error.reason)
                self._uses[client_id] = uses | self._uses.get(client_id, {})
