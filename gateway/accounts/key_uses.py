"""When and from where API keys were used last: noted by each worker, written to the store now and then."""

from __future__ import annotations

import logging

from gateway.errors import StoreUnavailable
from gateway.store.key_uses import KeyUse, KeyUseStore

__all__ = ["KeyUse", "KeyUses"]

log = logging.getLogger("gatepost")


class KeyUses:
    """The last uses since the last write, by client and prefix: one entry for each key that is used."""

    def __init__(self, store: KeyUseStore) -> None:
        self._store = store
        self._uses: dict[str, dict[str, KeyUse]] = {}

    def note(self, client_id: str, prefix: str, address: str, now: float) -> None:
        """A key was used now."""
        self._uses.setdefault(client_id, {})[prefix] = KeyUse(int(now), address)

    async def settle(self) -> None:
        """Writes them. What the store does not take is kept for the next time, unless there is newer."""
        taken, self._uses = self._uses, {}
        for client_id, uses in taken.items():
            try:
                await self._store.write(client_id, uses)
            except StoreUnavailable as error:
                log.debug("uses of API keys not settled: %s", error.reason)
                self._uses[client_id] = uses | self._uses.get(client_id, {})
