"""The embedded store: one gateway per state directory, one server per gateway."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import StartError
from gateway.runtime.child_process import Lifeline
from gateway.runtime.liveness import Liveness
from gateway.store.embedded.lock import FileLock, alive
from gateway.store.embedded.server import POLL_INTERVAL, ValkeyProcess
from gateway.store.embedded.socket_path import LOCK, StoreDirectory

logger = logging.getLogger(__name__)

LOCK_TIMEOUT = 3.0
"""Seconds to wait for the lock: workers of a killed gateway hold it until they exit."""
SHUTDOWN_TIMEOUT = 0.3
"""Seconds to wait for a gateway that is alive: it holds the lock for a moment at the end of its shutdown."""
RESPAWN_DELAY = 1.0
"""Seconds between two attempts to restart a dead server."""


PING = b"PING\r\n"


@dataclass(frozen=True, slots=True)
class StoreInheritance:
    """What a gateway needs to look after the server of another one. The numbers are descriptors."""

    state_dir: str
    lock: int
    lifeline: tuple[int, int]
    alias: str | None
    """The symlink through which the server's socket is reached, if there is one."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that must be passed on."""
        return self.lock, *self.lifeline


class EmbeddedStore:
    """A Valkey server supervised by the gateway, with its data in `state_dir/store`.

    It ends with the gateway, however that ends, unless another gateway has taken it over. In a forked worker
    `ensure` and `stop` do nothing.
    """

    def __init__(self, state_dir: Path) -> None:
        self._directory = StoreDirectory(state_dir)
        self._lock = FileLock(self._directory.state_dir / LOCK)
        self._server = ValkeyProcess(self._directory)
        self._liveness: Liveness | None = None
        self._owner: int | None = None
        self._handed_over = False
        self._respawn_at = 0.0

    @property
    def url(self) -> str:
        """The server's `unix://` URL; valid after `begin`."""
        return self._directory.url

    def start(self) -> str:
        """Starts the server, waits until it answers, and returns its URL.

        Raises:
            StartError: another gateway uses the directory, this platform has no server, or it failed.
        """
        self.begin()
        self.await_ready()
        return self.url

    def begin(self) -> None:
        """Starts the server, and does not wait until it answers. StartError as for `start`."""
        self._directory.prepare()
        try:
            self._lock_directory()
        except OSError as error:
            raise StartError(f"server.state_dir {self._directory.state_dir}: {error.strerror}") from error
        self._owner = os.getpid()
        self._server.lifeline = Lifeline()
        with self._stopped_on_failure():
            if not self._server.claim():
                logger.warning("stopping a Valkey server that was left running in %s", self._directory.folder)
                self._server.stop_orphan()
            self._directory.publish()
            self._server.spawn()

    def await_ready(self) -> None:
        """Returns when the server that has been started answers. StartError if it does not."""
        with self._stopped_on_failure():
            self._server.await_ready()
        self._liveness = Liveness(self._directory.socket, PING)

    @contextmanager
    def _stopped_on_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.stop()
            raise StartError(f"server.state_dir {self._directory.state_dir}: {error.strerror}") from error
        except BaseException:
            self.stop()
            raise

    def ensure(self) -> bool:
        """Restarts the server if it has died. True if it is running.

        Cheap and non-blocking: call it a few times per second. Clients reconnect by themselves.
        """
        if self._owner != os.getpid() or self._handed_over:
            return True
        if self._server.running():
            self._directory.repair_link()
            if self._liveness is None or self._liveness.answers(time.monotonic()):
                return True
            logger.error("embedded store does not answer: it is killed")
            self._server.kill()
        if time.monotonic() >= self._respawn_at:
            self._respawn_at = time.monotonic() + RESPAWN_DELAY
            self._respawn()
        return False

    def hand_over(self) -> None:
        """Releases the directory at the beginning of a shutdown: a successor may stop this server and start
        its own on the same files, while connections here are still drained.
        """
        if self._owner == os.getpid():
            self._handed_over = True
            self._lock.release()

    def release_in_worker(self) -> None:
        """For a forked worker: without this it would hold the directory after the gateway was killed."""
        if self._owner != os.getpid():
            self._let_go()

    def _let_go(self) -> None:
        """Others may hold the directory and the server; this process does not."""
        self._lock.close()
        if self._server.lifeline is not None:
            self._server.lifeline.close()

    # An upgrade: another process uses the server, and then takes it over.

    @property
    def inheritance(self) -> StoreInheritance | None:
        """What to pass to the next gateway; None: this one has no server."""
        ends = self._server.lifeline.ends if self._server.lifeline is not None else None
        if self._owner != os.getpid() or self._lock.descriptor is None or ends is None:
            return None
        directory = self._directory
        return StoreInheritance(str(directory.state_dir), self._lock.descriptor, ends, directory.alias)

    def use(self, given: StoreInheritance) -> None:
        """Uses the server of another gateway, in place of `start`. That one looks after it."""
        self._directory.inherit(given.alias)
        self._lock.inherit(given.lock)
        self._server.lifeline = Lifeline(given.lifeline)

    def take_over(self) -> None:
        """From now on this gateway looks after the server that it uses."""
        self._owner = os.getpid()
        self._lock.write_holder()
        self._server.adopt()
        self._liveness = Liveness(self._directory.socket, PING)

    def give_away(self) -> None:
        """From now on another gateway looks after the server: nothing is done here any more."""
        self._owner = None
        if self._liveness is not None:
            self._liveness.reset()
        self._let_go()

    def stop(self) -> None:
        """Stops the server after it has flushed its data, and releases the directory."""
        if self._owner != os.getpid():
            return
        self._owner = None
        if self._liveness is not None:
            self._liveness.reset()
        self._server.stop()
        if self._server.lifeline is not None:
            self._server.lifeline.dismiss()
            self._server.lifeline.close()
        # What a successor has published is not removed.
        self._directory.unpublish(url=not self._handed_over or self._lock.take())
        self._lock.release()

    def _respawn(self) -> None:
        logger.error("embedded store exited, restarting it; %s", self._server.log_tail())
        if self._liveness is not None:
            self._liveness.reset()
        try:
            self._directory.repair_link()
            if self._server.claim():
                self._server.spawn()
        except StartError as error:
            logger.error("%s", error)

    def _lock_directory(self) -> None:
        begun = time.monotonic()
        while not self._lock.take():
            holder = self._lock.holder_pid()
            patience = LOCK_TIMEOUT if holder is None or not alive(holder) else SHUTDOWN_TIMEOUT
            if time.monotonic() > begun + patience:
                owner = f"process {holder}" if holder is not None else "another process"
                raise StartError(
                    f"server.state_dir {self._directory.state_dir} is in use by another gateway, {owner}. "
                    "Stop that one, or give each its own directory."
                )
            time.sleep(POLL_INTERVAL)
        self._lock.write_holder()
