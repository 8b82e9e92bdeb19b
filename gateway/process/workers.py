"""Serves with the workers that the settings ask for."""

from __future__ import annotations

import os
from collections.abc import Callable

from gateway.clock import system_clock
from gateway.config.model import Settings
from gateway.process.certificates import Certificates
from gateway.process.otel import import_otel
from gateway.process.process_status import ProcessStatus
from gateway.process.reload import DescribeChanges, ReloadHistory
from gateway.process.server_instance import Build
from gateway.process.single_worker import serve_single_worker
from gateway.process.supervisor import Opened
from gateway.process.upgrade_history import UpgradeHistory
from gateway.process.worker import RuntimeContext
from gateway.process.worker_count import worker_count
from gateway.telemetry import process_telemetry


def nothing_to_describe(_old: Settings, _new: Settings) -> list[str]:
    """For gateways whose reloads are reported without their changes."""
    return []


def serve_workers(
    build: Build,
    describe_changes: DescribeChanges,
    opened: Opened,
    settings: Settings,
    load: Callable[[], Settings],
) -> int:
    """Serves until SIGTERM or SIGINT. Returns the exit code. GatepostError if it can't begin to.

    `describe_changes` says in words what a reload changed.
    """
    reloads, upgrades = ReloadHistory(describe_changes, system_clock), UpgradeHistory(system_clock)
    context = RuntimeContext(
        build,
        opened.listeners,
        Certificates(system_clock),
        opened.store,
        process_telemetry(),
        reloads,
        upgrades,
        ProcessStatus(reloads, upgrades, system_clock()),
        opened.edge,
        opened.takeover,
    )
    # Before the fork: generates the `tls: auto` certificate once and reports bad TLS files once.
    opened.listeners.current.with_tls(settings, context.certificates, context.clock)
    import_otel(os.environ)
    opened.store.await_ready()
    if worker_count(settings) == 1:
        return serve_single_worker(context, settings, load)
    # gunicorn is imported only for several workers.
    from gateway.process.multi_worker import serve_multi_worker  # noqa: PLC0415

    return serve_multi_worker(context, settings, load)
