"""What a reload can change, and what has to wait for a restart."""

from __future__ import annotations

import logging

from gateway.config.model import Settings
from gateway.config.store import EMBEDDED
from gateway.errors import GatepostError
from gateway.process.doors import management_address, public_addresses
from gateway.process.workers import worker_count

log = logging.getLogger("gatepost")


def settled(old: Settings, new: Settings) -> tuple[Settings, list[str]]:
    """The new settings as far as they can be had now, and the keys that keep an old value until a restart."""
    server: dict[str, object] = {}
    rest: dict[str, object] = {}
    if public_addresses(old) != public_addresses(new):
        server["listen"] = old.server.listen
    if old.server.state_dir != new.server.state_dir:
        server["state_dir"] = old.server.state_dir
    if _kind_changes(worker_count(old), worker_count(new)):
        server["workers"] = old.server.workers
    if management_address(old) != management_address(new):
        rest["management"] = old.management
    if old.store.url != new.store.url and EMBEDDED in (old.store.url, new.store.url):
        rest["store"] = new.store.model_copy(update={"url": old.store.url})
    kept = [f"server.{key}" for key in server] + ["store.url" if key == "store" else key for key in rest]
    return new.model_copy(update={**rest, "server": new.server.model_copy(update=server)}), kept


def _kind_changes(before: int, after: int) -> bool:
    """One worker runs without a supervisor, so it can become neither more nor one of many."""
    return before != after and 1 in (before, after)


def report_failure(error: Exception) -> None:
    """Says why the new configuration is not served, a problem a line."""
    if not isinstance(error, GatepostError):
        # Nobody has foreseen it. It must not end what serves.
        log.error("not reloaded: %s", type(error).__name__, exc_info=error)
        return
    for line in str(error).splitlines():
        log.error("not reloaded: %s", line)


def report_success(kept: list[str]) -> None:
    """Says that the new configuration is served, and what of it is not."""
    log.info("reloaded: the new configuration is served")
    for key in kept:
        log.warning("%s has changed, which takes a restart: the old value is still in force", key)
