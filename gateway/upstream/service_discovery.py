"""Follows the servers of a service in DNS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from gateway.upstream.address import parse_server_address
from gateway.upstream.service_lookup import ServiceLookup, ServiceRecords, ServiceTarget
from gateway.upstream.settings import UpstreamServerSettings

log = logging.getLogger("gatepost")

SHORTEST = 1.0
LONGEST = 60.0
"""Seconds between two lookups, whatever the records' TTL."""
AFTER_FAILURE = 2.0
_WEIGHT = 100

Changed = Callable[[tuple[UpstreamServerSettings, ...]], None]


class ServiceDiscovery:
    """Asks for a service's servers again and again, and tells of changes."""

    def __init__(self, settings: UpstreamServerSettings, lookup: ServiceLookup, changed: Changed) -> None:
        """`settings.url` names the service; its weight and TLS are those of each server."""
        self._settings = settings
        self._address = parse_server_address(settings.url)
        self._lookup = lookup
        self._changed = changed
        self._known: tuple[ServiceTarget, ...] | None = None
        self._failing = False

    async def run(self, delay: float) -> None:
        """Looks up after `delay` seconds, and then until cancelled."""
        while True:
            await asyncio.sleep(delay)
            delay = await self.refresh()

    async def refresh(self) -> float:
        """Looks up once. Returns the seconds until the next time. While DNS fails, the last servers stay."""
        name = self._address.host
        try:
            records = await self._lookup(name)
            self._take(records)
        except (OSError, ValueError) as error:  # the second: what can't be a server
            if not self._failing:
                kept = "" if not self._known else "; its last known servers stay in use"
                log.warning("service %s: no use of its SRV records: %s%s", name, error, kept)
            self._failing = True
            return AFTER_FAILURE
        self._failing = False
        return min(LONGEST, max(SHORTEST, records.lifetime))

    def _take(self, records: ServiceRecords) -> None:
        if records.targets == self._known:
            return
        self._changed(tuple(self._server(target) for target in records.targets))
        self._known = records.targets
        log.info("service %s: %d servers", self._address.host, len(records.targets))

    def _server(self, target: ServiceTarget) -> UpstreamServerSettings:
        address = replace(self._address, host=target.host, port=target.port, service=False)
        # RFC 2782: weight 0 leaves a server a very small chance beside others.
        weight = self._settings.weight * (target.weight * _WEIGHT or 1)
        url = f"{address}{address.base_path}"
        return replace(self._settings, url=url, weight=weight, priority=target.priority)
