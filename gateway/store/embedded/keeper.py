"""Keeps the embedded store: one gateway per directory, one server per gateway."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from gateway.errors import StartError
from gateway.store.embedded.lock import FileLock, alive
from gateway.store.embedded.place import LOCK, Place
from gateway.store.embedded.server import GLANCE, Server

logger = logging.getLogger(__name__)

LINGER = 3.0
"""Seconds that a killed gateway's worker processes may take to notice, while they hold its lock."""
RESPAWN_PAUSE = 1.0
"""Seconds between two attempts to start a server that has died."""


class EmbeddedStore:
    """A Valkey server, started and kept by the gateway, with its data in `state_dir/store`.

    For the process that forks the workers, and there for its main thread: the kernel ends the server when
    the thread that started it ends. In a forked worker `ensure` and `stop` do nothing.
    """

    def __init__(self, state_dir: Path) -> None:
        self._place = Place(state_dir)
        self._lock = FileLock(self._place.state_dir / LOCK)
        self._server = Server(self._place)
        self._owner: int | None = None
        self._respawn_at = 0.0

    @property
    def url(self) -> str:
        """The server's `unix://` URL; true from `start` on."""
        return self._place.url

    def start(self) -> str:
        """Starts the server, waits until it answers, and returns its URL.

        Raises:
            StartError: another gateway uses the directory, this platform has no server, or it failed.
        """
        self._place.prepare()
        self._take_directory()
        self._owner = os.getpid()
        try:
            if not self._server.claim():
                logger.warning("a store server was left running in %s; ending it", self._place.folder)
                self._server.end_orphan()
            self._place.publish()
            self._server.spawn()
            self._server.await_ready()
        except BaseException:
            self.stop()
            raise
        return self.url

    def ensure(self) -> bool:
        """Starts the server anew if it has died. True if it runs.

        Cheap, and never waits for the server: call it a few times a second. Links connect by themselves.
        """
        if self._owner != os.getpid():
            return True
        if self._server.running():
            self._place.mend()
            return True
        if time.monotonic() >= self._respawn_at:
            self._respawn_at = time.monotonic() + RESPAWN_PAUSE
            self._respawn()
        return False

    def stop(self) -> None:
        """Ends the server when it has written everything down, and lets go of the directory."""
        if self._owner != os.getpid():
            return
        self._owner = None
        self._server.end()
        self._place.withdraw()
        self._lock.release()

    def _respawn(self) -> None:
        logger.error("the embedded store has ended and is started anew; %s", self._server.last_words())
        try:
            self._place.mend()
            if self._server.claim():
                self._server.spawn()
        except StartError as error:
            logger.error("%s", error)

    def _take_directory(self) -> None:
        deadline = time.monotonic() + LINGER
        while not self._lock.take():
            holder = self._lock.signer()
            if (holder is not None and alive(holder)) or time.monotonic() > deadline:
                who = f"process {holder}" if holder is not None else "another process"
                raise StartError(
                    f"server.state_dir {self._place.state_dir} is in use by another gateway, {who}. "
                    "Stop that one, or give each its own directory."
                )
            time.sleep(GLANCE)
        self._lock.sign()
