"""Has certificates by ACME ordered and renewed, by a process of its own for each attempt."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gateway.acme import BUSY
from gateway.acme.folder import AcmeFolder
from gateway.acme.order import CertificateOrder, order_of
from gateway.acme.progress import AcmeProgress, AcmeStep, next_step
from gateway.clock import Clock
from gateway.config.certificate_files import TlsFileError, read_certificate
from gateway.config.model import Settings
from gateway.telemetry.snapshot import Gauges, Labels

log = logging.getLogger("gatepost")

LOOK_INTERVAL = 1.0
"""Seconds between two looks whether something is due."""
BUSY_DELAY = 10.0
"""Seconds until the next attempt while another process is at it."""
CRASH_DELAY = 300.0
"""Seconds until the next attempt after one that has ended without a word."""


def acme_orders(settings: Settings) -> tuple[CertificateOrder, ...]:
    """The certificates that are ordered by ACME, each once."""
    return tuple(dict.fromkeys(order_of(acme) for acme in settings.server.acme.values()))


def acme_gauges(folder: AcmeFolder, orders: Sequence[CertificateOrder]) -> Gauges:
    """How many attempts have failed in a row, for each certificate."""
    failures: dict[Labels, float] = {
        (str(folder.certificate(order)),): float(folder.progress(order).failures) for order in orders
    }
    return {"acme_failures": failures} if failures else {}


class AcmeRenewal:
    """Has one certificate ordered and renewed. Others at it, such as a worker that still drains, are kept out
    by a lock.
    """

    def __init__(self, state_dir: Path, order: CertificateOrder, clock: Clock) -> None:
        self._state_dir = state_dir
        self._folder = AcmeFolder(state_dir)
        self._order = order
        self._clock = clock
        self._held_back_until = 0.0

    async def run(self) -> None:
        """Orders and renews until it is cancelled. Never raises anything else."""
        while True:
            try:
                if self._is_due():
                    await self._attempt()
            except Exception:
                log.exception("ACME: the certificate of %s can't be renewed", self._order.name)
                self._hold_back(CRASH_DELAY)
            await asyncio.sleep(LOOK_INTERVAL)

    def _is_due(self) -> bool:
        now = self._clock()
        if now < self._held_back_until:
            return False
        try:
            facts = read_certificate(self._folder.certificate(self._order).read_bytes())
        except (OSError, TlsFileError):
            return False  # the watch on certificates says so
        return next_step(self._order, self._folder.progress(self._order), facts, now) is not AcmeStep.WAIT

    def _hold_back(self, seconds: float) -> None:
        self._held_back_until = self._clock() + seconds

    async def _attempt(self) -> None:
        order = self._order
        before = self._folder.progress(order)
        code, words = await self._run_process()
        after = self._folder.progress(order)
        if code == BUSY:
            self._hold_back(BUSY_DELAY)
        elif code != 0:
            self._hold_back(CRASH_DELAY)
            log.error("ACME: the order for %s ended with status %d: %s", order.name, code, words)
        elif after.failure and after.failed_at != before.failed_at:
            self._log_failure(after)
        elif before.failures or after.issued_at != before.issued_at:
            log.info("ACME: certificate issued for %s", ", ".join(order.domains))

    async def _run_process(self) -> tuple[int, str]:
        """The status with which it has ended, and the last line that it wrote on standard error."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "gateway.acme", str(self._state_dir)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, errors = await process.communicate(self._order.to_json().encode())
        except asyncio.CancelledError:
            # What it has ordered is taken up by the next attempt.
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            raise
        return process.returncode or 0, errors.decode(errors="replace").strip().rpartition("\n")[2]

    def _log_failure(self, progress: AcmeProgress) -> None:
        again = datetime.fromtimestamp(progress.next_attempt, UTC).isoformat(timespec="seconds")
        name = self._order.name
        log.error("ACME: no certificate for %s: %s; next attempt at %s", name, progress.failure, again)
