"""Which settings a reload applies, which need a restart, and what came of the last one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.config.store import EMBEDDED
from gateway.errors import GatepostError
from gateway.process.listeners import ListenAddress
from gateway.process.shared_report import SharedReport
from gateway.process.sockets import management_address, public_addresses
from gateway.process.worker_count import worker_count
from gateway.runtime.give_way import giving_way

log = logging.getLogger("gatepost")


def reloadable(old: Settings, new: Settings, *, forks: bool) -> tuple[Settings, list[str]]:
    """The new settings with keys that this process can't change at their old value, and their names.

    `forks`: whether the workers are processes of their own.
    """
    server: dict[str, object] = {}
    top_level: dict[str, object] = {}
    if _edge_addresses(old) != _edge_addresses(new):
        server["listen"] = old.server.listen
    if old.server.state_dir != new.server.state_dir:
        server["state_dir"] = old.server.state_dir
    # A worker that is the gateway's only process has connections and an event loop: it can't fork others.
    if not forks and worker_count(new) > 1:
        server["workers"] = old.server.workers
    if management_address(old) != management_address(new):
        top_level["management"] = old.management
    if old.store.url != new.store.url and EMBEDDED in (old.store.url, new.store.url):
        top_level["store"] = new.store.model_copy(update={"url": old.store.url})
    kept = [f"server.{key}" for key in server] + ["store.url" if key == "store" else key for key in top_level]
    return new.model_copy(update={**top_level, "server": new.server.model_copy(update=server)}), kept


def _edge_addresses(settings: Settings) -> list[ListenAddress]:
    """Envoy is started for these; what they have of certificates may change."""
    return [replace(one, tls=False) for one in public_addresses(settings) if one.at_edge]


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """What came of one reload."""

    number: int
    """Counts the reloads since the start, from 1."""
    time: float
    """Seconds since the epoch."""
    ok: bool
    problems: list[str] = field(default_factory=list)
    """Why the new configuration was rejected."""
    changes: list[str] = field(default_factory=list)
    """What it changed, in words."""
    needs_restart: list[str] = field(default_factory=list)
    """Keys that changed in the file and keep their old value until a restart."""


DescribeChanges = Callable[[Settings, Settings], list[str]]
"""What changes from the old to the new settings, in words."""

MAX_LINES = 200
"""Lines of changes or problems that a report keeps."""


class ReloadHistory:
    """Logs what comes of each reload, and keeps the report of the last one for `/status`.

    With several workers the arbiter reloads and any worker answers.
    """

    def __init__(self, describe: DescribeChanges, clock: Clock) -> None:
        self._describe = describe
        self._clock = clock
        self._report = SharedReport("reload")

    def share(self, directory: Path) -> None:
        """Keeps the report in a file of this directory."""
        self._report.share(directory)

    @property
    def passed_on(self) -> dict[str, Any] | None:
        """The last report, for the program that takes this one's place."""
        return self._report.written

    def inherit(self, report: dict[str, Any] | None) -> None:
        """The last report of the program before."""
        if report is not None:
            self._report.put(report)

    @property
    def last(self) -> ReloadReport | None:
        """The last reload; None where there was none since the start."""
        report = self._report.last
        return None if report is None else ReloadReport(**report)

    def failed(self, error: Exception) -> None:
        """Logs why the new configuration was rejected, one line per problem."""
        if isinstance(error, GatepostError):
            problems = str(error).splitlines()
            for line in problems:
                log.error("configuration not reloaded: %s", line)
        else:
            # Unexpected. It must not stop the running configuration.
            problems = [type(error).__name__]
            log.error("configuration not reloaded: %s", problems[0], exc_info=error)
        self._keep(ok=False, problems=problems[:MAX_LINES])

    def succeeded(self, old: Settings, new: Settings, kept: list[str]) -> None:
        """Logs that the new configuration is active, what changed, and which keys need a restart."""
        log.info("reloaded: the new configuration is active")
        changes = self._changes(old, new)
        for line in giving_way(changes):
            log.info("reloaded: %s", line)
        for key in kept:
            log.warning("%s changed: restart to apply it; the old value is still in use", key)
        self._keep(ok=True, changes=changes, needs_restart=kept)

    def _changes(self, old: Settings, new: Settings) -> list[str]:
        try:
            lines = self._describe(old, new)
        except Exception:
            # The reload is done; only its description is not.
            log.exception("the changes can't be described")
            return []
        more = [f"and {len(lines) - MAX_LINES} more changes"] if len(lines) > MAX_LINES else []
        return lines[:MAX_LINES] + more

    def _keep(
        self,
        *,
        ok: bool,
        problems: list[str] | None = None,
        changes: list[str] | None = None,
        needs_restart: list[str] | None = None,
    ) -> None:
        before = self._report.written
        number = 1 if before is None else before["number"] + 1
        report = ReloadReport(number, self._clock(), ok, problems or [], changes or [], needs_restart or [])
        self._report.put(asdict(report))
