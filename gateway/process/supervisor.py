"""Runs the gateway: sockets, store, the program that serves with them, and their cleanup."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from gateway.config.model import Settings
from gateway.errors import GatepostError, system_error
from gateway.process.activation import activated_sockets, place_activated
from gateway.process.edge_process import EdgeProcess
from gateway.process.embedded_store_process import StoreProcess, open_store
from gateway.process.file_limit import file_limit_warning
from gateway.process.log_level import write_override
from gateway.process.logs import set_up_logs
from gateway.process.open_edge import open_edge
from gateway.process.open_listeners import OpenListeners, open_listeners
from gateway.process.startup_message import announce
from gateway.process.takeover import Takeover, begin_takeover
from gateway.process.upgrade import UPGRADE

log = logging.getLogger("gatepost")

MAX_OPEN_FILES = 1 << 20
"""Upper bound for RLIMIT_NOFILE: child processes may iterate over all possible descriptors at start."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open while the gateway runs, whatever its configuration becomes."""

    listeners: OpenListeners
    store: StoreProcess
    edge: EdgeProcess
    takeover: Takeover | None = None
    """None: this program was not started to take another one's place."""


Program = Callable[[Opened, Settings, Callable[[], Settings]], int]
"""Serves with what is open, from these settings on, and loads others for a reload; `serve_workers` with its
first arguments. Returns the exit code."""


def serve(load: Callable[[], Settings], import_program: Callable[[], Program]) -> int:
    """Serves until SIGTERM or SIGINT; SIGHUP calls `load` again. Returns the exit code.

    `import_program` is called while the embedded store's server starts: to import what serves takes longer
    than that, on another core.
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
            return _serve(settings, load, import_program, takeover)
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
    import_program: Callable[[], Program],
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
        program = import_program()
        code = program(Opened(listeners, store, edge, takeover), settings, load)
        if takeover is not None:
            takeover.await_end(settings.server.timeouts.drain)
        return code


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
