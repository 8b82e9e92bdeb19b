"""Runs Envoy for the gateway: started, watched, told anew, drained and stopped."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping

from gateway.edge.admin import EnvoyStatus, envoy_status
from gateway.edge.bootstrap import bootstrap
from gateway.edge.configuration import EdgeConfiguration
from gateway.edge.envoy_process import EnvoyProcess
from gateway.edge.folder import EdgeFolder
from gateway.edge.report import EdgeReport
from gateway.edge.resources import no_listeners, resources
from gateway.errors import StartError
from gateway.export.envoy_clusters import Json
from gateway.runtime.liveness import TIMEOUT, Liveness

log = logging.getLogger("gatepost")

QUESTION = b"GET /ready HTTP/1.1\r\nHost: envoy\r\n\r\n"
READY = b"HTTP/1.1 200 "
POLL_INTERVAL = 0.02
"""Seconds between two questions whether it is ready."""
APPLY_TIMEOUT = 30.0
"""Seconds in which it takes a configuration over."""
RESPAWN_DELAY = 1.0
"""Seconds between two attempts to restart it."""
IDLE_DELAY = 0.5
"""Seconds of a drain in which clients may still send a request on an open connection."""


class Edge:
    """One Envoy. In a forked worker its methods do nothing."""

    def __init__(self, folder: EdgeFolder, concurrency: int, max_connections: int) -> None:
        self.folder = folder
        self._process = EnvoyProcess(folder, concurrency)
        self._liveness = Liveness(folder.admin, QUESTION)
        self.report = EdgeReport()
        self._max_connections = max_connections
        self._owner = os.getpid()
        self._writing = threading.Lock()
        self._version = 0
        self._listeners = 0
        self._respawn_at = 0.0
        self._draining: threading.Thread | None = None
        self._ended = threading.Event()

    def start(self, configuration: EdgeConfiguration) -> None:
        """Starts Envoy and returns when it accepts. StartError: it can't."""
        found = bootstrap(self.folder.path, self.folder.admin, self._max_connections)
        self._write({"bootstrap.json": found})
        self.publish(configuration)
        self._process.spawn()
        self.await_applied()
        self.report.is_up()

    def publish(self, configuration: EdgeConfiguration) -> None:
        """Tells Envoy anew, without waiting. StartError: the files can't be written."""
        with self._writing:
            if self._draining is not None:
                return
            self._version += 1
            files = resources(configuration, str(self._version))
            self._listeners = sum(1 + one.quic for one in configuration.listeners)
            self._write(files)

    def await_applied(self) -> None:
        """Returns when Envoy works by what was published last. StartError: it does not."""
        rejected = None
        deadline = time.monotonic() + APPLY_TIMEOUT
        while not self._applied(status := envoy_status(self.folder.admin)):
            rejected = rejected if status is None or rejected is not None else status.rejected
            failed = not self._process.running() or (status is not None and status.rejected > (rejected or 0))
            if failed or time.monotonic() > deadline or self._draining is not None:
                raise StartError(f"The edge can't work by its configuration; {self._process.log_tail()}")
            time.sleep(POLL_INTERVAL)

    def ensure(self) -> None:
        """Restarts Envoy if it has died or hangs. Cheap: call it a few times a second."""
        if self._owner != os.getpid() or self._draining is not None or not self._process.started:
            return
        now = time.monotonic()
        if self._process.running():
            if self._liveness.answers(now):
                if self._liveness.answer.startswith(READY):
                    self.report.is_up()
                return
            log.error("the edge's Envoy has not answered for %g s: it is killed", TIMEOUT)
            self._process.kill()
        self.report.is_down()
        if now >= self._respawn_at:
            self._respawn_at = now + RESPAWN_DELAY
            self._respawn()

    def _respawn(self) -> None:
        log.error("the edge's Envoy has ended, restarting it; %s", self._process.log_tail())
        self._liveness.reset()
        try:
            self._process.spawn()
        except StartError as error:
            log.error("%s", error)
        else:
            self.report.restarted()

    def begin_drain(self, delay: float, seconds: float) -> None:
        """After `delay` seconds it accepts no more, and ends when nothing is under way, or after `seconds`.

        Returns at once.
        """
        with self._writing:
            if self._owner != os.getpid() or self._draining is not None or not self._process.started:
                return
            self._draining = threading.Thread(target=self._drain, args=(delay, seconds), daemon=True)
        self._draining.start()

    def stop(self) -> None:
        """Ends Envoy and removes its files."""
        if self._owner != os.getpid():
            return
        self._ended.set()
        if self._draining is not None:
            self._draining.join()
        self._liveness.reset()
        self._process.stop()
        self.folder.remove()

    def _applied(self, status: EnvoyStatus | None) -> bool:
        return (
            status is not None
            and status.versions == {str(self._version)}
            and status.active == self._listeners
            and not status.warming
        )

    def _drain(self, delay: float, seconds: float) -> None:
        if not self._ended.wait(delay):
            try:
                self._write(no_listeners("drain"))
            except StartError as error:
                log.error("%s", error)
            deadline = time.monotonic() + seconds
            self._ended.wait(min(IDLE_DELAY, seconds))
            while time.monotonic() < deadline and not self._ended.wait(POLL_INTERVAL):
                status = envoy_status(self.folder.admin)
                if status is None or not status.requests:
                    break
        self._process.terminate()

    def _write(self, files: Mapping[str, Json]) -> None:
        try:
            self.folder.write(files)
        except OSError as error:
            raise StartError(f"The edge's files in {self.folder.path} can't be written: {error}") from None
