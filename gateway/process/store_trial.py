"""A reload must not take a store that works away for one that can't be reached."""

from __future__ import annotations

from collections.abc import Callable

from gateway.config.load import problem_of
from gateway.config.model import Settings
from gateway.config.store import EMBEDDED, StoreSettings
from gateway.runtime.give_way import beside_loop
from gateway.store.address import parse_address
from gateway.store.sentinel_answers import SentinelCredentials
from gateway.store.trial import why_unreachable
from gateway.telemetry.snapshot import Snapshot

MORE = 1.0
"""Seconds beyond the time-out of one command for which a store is tried. A worker that loses the store in use
notices meanwhile, and says so to the others.
"""
LONGEST = 5.0
"""Seconds at most. With several workers, their supervisor waits meanwhile."""


async def check_store(new: Settings, workers: Callable[[], Snapshot]) -> None:
    """Raises ConfigurationError where the new store can't be used, and a worker is connected to its own.

    Without a store that works nothing is lost, and the new one may be on its way: then whatever else the new
    configuration says counts at once. StartError: a certificate file can't be read.

    `workers`: what they say of themselves.
    """
    reason = await _why_unreachable(new.store)
    if reason is not None and any(worker.get("store_connected") for worker in workers().processes):
        text = f"can't be used, while the store that is in use can: {reason}"
        raise await beside_loop(problem_of, new, ("store", "url"), text)


async def _why_unreachable(store: StoreSettings) -> str | None:
    if store.url == EMBEDDED:
        return None  # the gateway itself keeps it up
    credentials = SentinelCredentials(*store.sentinel.login)
    within = min(store.timeout + MORE, LONGEST)
    return await why_unreachable(parse_address(store.url), credentials, each=store.timeout, within=within)
