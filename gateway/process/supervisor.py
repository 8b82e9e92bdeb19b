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
from gateway.process.reload import EMBEDDED
from gateway.process.solo import serve_alone
from gateway.process.worker import Site
from gateway.telemetry import process_telemetry


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
    with open_doors(settings) as doors, _store(settings) as embedded_url:
        site = Site(build, doors, process_telemetry())
        # Each configuration is checked against its TLS files here, before a worker is made for it.
        doors.with_tls(settings, site.clock)

        def store_url(of: Settings) -> str:
            return embedded_url or of.store.url

        if settings.server.workers == 1:
            return serve_alone(site, settings, load, store_url)
        # gunicorn is only there for several workers.
        from gateway.process.fleet import serve_fleet  # noqa: PLC0415

        return serve_fleet(site, settings, load, store_url)


@contextlib.contextmanager
def _store(settings: Settings) -> Iterator[str | None]:
    """Keeps the embedded store running. Its URL; None where the store is somebody else's."""
    if settings.store.url != EMBEDDED:
        yield None
        return
    # Needs a server's program that not every machine has.
    from gateway.store.embedded import EmbeddedStore  # noqa: PLC0415

    store = EmbeddedStore(settings.server.state_dir)
    try:
        yield store.start()
    finally:
        store.stop()


def raise_file_limit() -> None:
    """As many open files as the system allows: every connection is one, or two with its upstream's."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


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
