"""Logs why the store can't be used: each reason once in an outage."""

from __future__ import annotations

import logging

from gateway.store.address import StoreAddress

logger = logging.getLogger(__name__)

MOST = 20
"""Different reasons in one outage; further ones are not logged."""


class OutageLog:
    """Reasons may take turns with each attempt: several servers have one each, and one that has too many
    connections may say so, or just close.
    """

    def __init__(self, address: StoreAddress) -> None:
        self._address = address
        self._told: set[str] = set()

    def lost(self, reason: str) -> None:
        """The store can't be used."""
        if reason not in self._told and len(self._told) < MOST:
            self._told.add(reason)
            logger.warning("store %s: %s", self._address, reason)

    def over(self, words: str) -> None:
        """The store can be used again."""
        self._told.clear()
        logger.info("store %s: %s", self._address, words)
