"""From a configuration to a gateway that serves, and back."""

from __future__ import annotations

import contextlib
import resource
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from gateway.config.model import Settings
from gateway.errors import GatepostError
from gateway.process.announce import announce
from gateway.process.doors import open_doors
from gateway.process.generation import Build
from gateway.process.logs import set_up_logs
from gateway.process.solo import serve_alone
from gateway.process.store_host import open_store
from gateway.process.worker import Site
from gateway.process.workers import worker_count
from gateway.telemetry import process_telemetry

ENOUGH_FILES = 1 << 20
"""Some systems allow a thousand times as many, and programs that count through them take their time."""


def serve(load: Callable[[], Settings], build: Build) -> int:
    """Serves until told to stop: SIGTERM and SIGINT end it, SIGHUP calls `load` again. The exit code.

    What `load` raises at the first call is the caller's to report. What goes wrong later is reported here.
    """
    settings = load()
    set_up_logs(settings.logging.level, settings.logging.format)
    raise_file_limit()
    with stopping_early():
        try:
            return _serve(settings, load, build)
        except GatepostError as error:
            for line in str(error).splitlines():
                announce(line)
            return 1


def _serve(settings: Settings, load: Callable[[], Settings], build: Build) -> int:
    with open_doors(settings) as doors, open_store(settings) as store:
        site = Site(build, doors, store, process_telemetry())
        # Before there are workers: a certificate is made once, and files that can't serve are reported once.
        doors.with_tls(settings, site.clock)
        if worker_count(settings) == 1:
            return serve_alone(site, settings, load)
        # gunicorn is only there for several workers.
        from gateway.process.fleet import serve_fleet  # noqa: PLC0415

        return serve_fleet(site, settings, load)


def raise_file_limit() -> None:
    """Open files as the system allows: every connection is one, or two with its upstream's."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_FILES if most == resource.RLIM_INFINITY else min(most, ENOUGH_FILES)
    if now == resource.RLIM_INFINITY or now >= wanted:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


@contextlib.contextmanager
def stopping_early() -> Iterator[None]:
    """While there is no event loop yet, or no more, SIGTERM and SIGINT still close what is open."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    # The file has just been read: a wish to read it again is fulfilled.
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
