"""Runs the gateway: sockets, store, workers, and their cleanup."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from gateway.clock import system_clock
from gateway.config.model import Settings
from gateway.errors import GatepostError, system_error
from gateway.process.activation import activated_sockets, place_activated
from gateway.process.certificates import Certificates
from gateway.process.embedded_store_process import open_store
from gateway.process.file_limit import file_limit_warning
from gateway.process.log_level import write_override
from gateway.process.logs import set_up_logs
from gateway.process.open_edge import open_edge
from gateway.process.open_listeners import open_listeners
from gateway.process.otel import import_otel
from gateway.process.process_status import ProcessStatus
from gateway.process.reload import DescribeChanges, ReloadHistory
from gateway.process.server_instance import Build
from gateway.process.single_worker import serve_single_worker
from gateway.process.startup_message import announce
from gateway.process.takeover import Takeover, begin_takeover
from gateway.process.upgrade import UPGRADE
from gateway.process.upgrade_history import UpgradeHistory
from gateway.process.worker import RuntimeContext
from gateway.process.worker_count import worker_count
from gateway.telemetry import process_telemetry

log = logging.getLogger("gatepost")

MAX_OPEN_FILES = 1 << 20
"""Upper bound for RLIMIT_NOFILE: child processes may iterate over all possible descriptors at start."""


def nothing_to_describe(_old: Settings, _new: Settings) -> list[str]:
    """For gateways whose reloads are reported without their changes."""
    return []


def serve(
    load: Callable[[], Settings], build: Build, describe_changes: DescribeChanges = nothing_to_describe
) -> int:
    """Serves until SIGTERM or SIGINT; SIGHUP calls `load` again. Returns the exit code.

    `describe_changes` says in words what a reload changed.
    Exceptions of the first `load` propagate. Later errors are reported on standard error or in the log.
    """
    settings = load()
    takeover = begin_takeover(os.environ)
    set_up_logs(settings.logging.level, settings.logging.format)
    if takeover is None:
        with contextlib.suppress(OSError):
            # What was set for an earlier process is over.
            write_override(Path(settings.server.state_dir), None)
    raise_file_limit()
    warning = file_limit_warning(resource.getrlimit(resource.RLIMIT_NOFILE)[0], settings)
    if warning is not None:
        log.warning("%s", warning)
    with exit_on_signals():
        try:
            return _serve(settings, load, build, describe_changes, takeover)
        except GatepostError as error:
            if takeover is not None:
                takeover.failed(str(error))
            for line in str(error).splitlines():
                announce(line)
            return 1
        except OSError as error:
            # A full disk, or no permission: nothing is wrong with the program.
            reason = system_error(error)
            log.debug("%s", reason, exc_info=error)
            if takeover is not None:
                takeover.failed(reason)
            announce(reason)
            return 1
        except Exception as error:
            if takeover is not None:
                takeover.failed(f"{type(error).__name__}: {error}")
            raise


def _serve(
    settings: Settings,
    load: Callable[[], Settings],
    build: Build,
    describe: DescribeChanges,
    takeover: Takeover | None,
) -> int:
    if takeover is None:
        given, given_store = place_activated(activated_sockets(os.environ), settings), None
    else:
        given, given_store = takeover.listeners, takeover.store
    with (
        open_edge(settings) as edge,
        open_listeners(settings, given, inherited=takeover is not None) as listeners,
        open_store(settings, given_store) as store,
    ):
        telemetry = process_telemetry()
        reloads, upgrades = ReloadHistory(describe, system_clock), UpgradeHistory(system_clock)
        status = ProcessStatus(reloads, upgrades, system_clock())
        certificates = Certificates(system_clock)
        context = RuntimeContext(
            build, listeners, certificates, store, telemetry, reloads, upgrades, status, edge, takeover
        )
        # Before the fork: generates the `tls: auto` certificate once and reports bad TLS files once.
        listeners.current.with_tls(settings, certificates, context.clock)
        import_otel(os.environ)
        code = _serve_workers(context, settings, load)
        if takeover is not None:
            takeover.await_end(settings.server.timeouts.drain)
        return code


def _serve_workers(context: RuntimeContext, settings: Settings, load: Callable[[], Settings]) -> int:
    if worker_count(settings) == 1:
        return serve_single_worker(context, settings, load)
    # gunicorn is imported only for several workers.
    from gateway.process.multi_worker import serve_multi_worker  # noqa: PLC0415

    return serve_multi_worker(context, settings, load)


def raise_file_limit() -> None:
    """Raises the soft RLIMIT_NOFILE: each connection takes a descriptor, proxied ones take two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def exit_on_signals() -> Iterator[None]:
    """While no event loop runs, SIGTERM and SIGINT exit through `finally` blocks; others are ignored."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    previous = {signum: signal.signal(signum, stop) for signum in (signal.SIGTERM, signal.SIGINT)}
    # The configuration has just been loaded.
    previous[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # What was installed before is what has just been started.
    previous[UPGRADE] = signal.signal(UPGRADE, signal.SIG_IGN)
    try:
        yield
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)
