"""The audit log of `logging.audit`."""

from __future__ import annotations

import logging
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import SysLogHandler
from pathlib import Path

from gateway.assembly.access_changes import change_report
from gateway.assembly.config_identity import config_hash
from gateway.assembly.tokens import configured_keys
from gateway.audit.actor import GATEWAY, acting, who_acts
from gateway.audit.log import AuditLog, append_to_file, append_to_lines
from gateway.audit.record_facts import differing
from gateway.clock import system_clock
from gateway.config.logging import STDERR, SYSLOG
from gateway.config.model import Settings
from gateway.signing.master_keys import MasterKeys
from gateway.store import Store

PURPOSE = "audit log"
"""What the key of the chain is derived for."""

SYSLOG_SOCKET = "/dev/log"

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


class _Syslog(SysLogHandler):
    """The local syslog. What it can't take is an OSError, so that the entry counts as lost."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Raises the error that `emit` caught."""
        error = sys.exception()
        raise error if isinstance(error, OSError) else OSError(str(error))


def _writer(target: str) -> Callable[[str], None]:
    if target == STDERR:
        return lambda line: _lines.warning("%s", line)

    def write(line: str) -> None:
        record = logging.LogRecord("audit", logging.INFO, "", 0, f"gatepost audit: {line}", None, None)
        # Connected anew for each entry: there are few, and the syslog server may have been restarted.
        handler = _Syslog(SYSLOG_SOCKET)
        try:
            handler.emit(record)
        finally:
            handler.close()

    return write


def listen(store: Store, audit: AuditLog) -> None:
    """Records what the store is changed to."""

    def heard(action: str, target: str, before: object | None, after: object | None) -> None:
        audit.record(who_acts(), action, target, *differing(before, after))

    store.changes.heard = heard


@contextmanager
def audited(settings: Settings, store: Store, actor: str) -> Iterator[None]:
    """Within, changes of the store are recorded as done by `actor`."""
    audit = audit_log(settings)
    if audit is None:
        yield
        return
    listen(store, audit)
    try:
        with acting(actor):
            yield
    finally:
        audit.stop()


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
