"""The audit log of `logging.audit`, and what else becomes of the changes that it records."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.accounts.activity import application_of
from gateway.assembly.access_changes import change_report
from gateway.assembly.activity import ActivityLog
from gateway.assembly.config_identity import config_hash
from gateway.assembly.tokens import configured_keys
from gateway.audit.actor import GATEWAY, acting, who_acts
from gateway.audit.log import AuditLog, append_to_file, append_to_lines
from gateway.audit.record_facts import differing
from gateway.clock import Clock, system_clock
from gateway.config.logging import STDERR, SYSLOG
from gateway.config.model import Settings
from gateway.signing.master_keys import MasterKeys
from gateway.store import Store

PURPOSE = "audit log"
"""What the key of the chain is derived for."""

MAX_CHANGES = 100
"""Changes of a configuration that an entry lists."""

_lines = logging.getLogger("audit")


def audit_keys(keys: MasterKeys) -> tuple[bytes, ...]:
    """The keys of the chain."""
    return keys.derive(PURPOSE)


def audit_log(settings: Settings) -> AuditLog | None:
    """The audit log; None where there is none."""
    target = settings.logging.audit
    if target is None:
        return None
    key = audit_keys(configured_keys(settings))[0]
    if target in (STDERR, SYSLOG):
        chain = f"{os.getpid()}-{secrets.token_hex(8)}"
        return AuditLog(append_to_lines(_writer(target), key, chain), system_clock)
    return AuditLog(append_to_file(Path(target), key), system_clock)


def _writer(target: str) -> Callable[[str], None]:
    if target == STDERR:
        return lambda line: _lines.warning("%s", line)
    from gateway.audit.syslog import write_to_syslog  # noqa: PLC0415 (few gateways have it there)

    return write_to_syslog


class AuditTrail:
    """Hears of the changes of a store from now on: each goes to the audit log, if there is one, and to the
    portal's activity, if there is a portal.
    """

    def __init__(self, settings: Settings, store: Store, clock: Clock = system_clock) -> None:
        self._audit = audit_log(settings)
        self._activity = None
        if settings.portal.enabled:
            self._activity = ActivityLog(store.activity, store.clients.get, clock, secrets.token_bytes)
        if self._audit is not None or self._activity is not None:
            store.changes.heard = self._heard

    def _heard(self, action: str, target: str, before: object | None, after: object | None) -> None:
        actor, (was, is_) = who_acts(), differing(before, after)
        if self._audit is not None:
            self._audit.record(actor, action, target, was, is_)
        if self._activity is not None:
            application = application_of(action, target, before, after)
            self._activity.record(actor, action, target, application, was, is_)

    async def start(self) -> None:
        """Begins to write the activity."""
        if self._activity is not None:
            await self._activity.start()

    async def stop(self) -> None:
        """Writes what is left. Also valid without a start."""
        if self._activity is not None:
            await self._activity.stop()
        if self._audit is not None:
            await asyncio.to_thread(self._audit.stop)


@asynccontextmanager
async def audited(settings: Settings, store: Store, actor: str) -> AsyncIterator[None]:
    """Within, changes of the store are recorded as done by `actor`."""
    trail = AuditTrail(settings, store)
    try:
        with acting(actor):
            yield
    finally:
        await trail.stop()


def audited_report(old: Settings, new: Settings) -> list[str]:
    """What a reload changes, in words. It is recorded, too."""
    lines = change_report(old, new)
    audit = audit_log(new)
    if audit is not None and lines:
        file = "" if new.source is None else new.source.file
        after = {"hash": config_hash(new), "changes": lines[:MAX_CHANGES]}
        audit.record(GATEWAY, "configuration.reload", file, {"hash": config_hash(old)}, after)
        audit.stop()
    return lines
