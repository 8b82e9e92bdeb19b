"""An issuer's public keys: fetched, refreshed in the background, and when a token names a new one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from gateway.errors import StartError
from gateway.issuers.discovery import discover
from gateway.issuers.fetching import Fetch, FetchFailed
from gateway.jose.key_set import KeySet, read_key_set

log = logging.getLogger("gatepost")

PAUSE = 5.0
"""Seconds between two questions that tokens cause: whoever sends made-up key names must not cause more."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds until the next attempt after a failed one; doubled each time."""
KEEP = 86_400.0
"""Seconds that keys are good for while the issuer can't be reached."""


class RemoteKeys:
    """The keys at an address that is known, or found by discovery."""

    def __init__(
        self,
        fetch: Fetch,
        *,
        issuer: str,
        url: str | None,
        refresh: float,
        changed: Callable[[], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`changed` is called when what was verified with the old keys must be verified anew."""
        self._fetch = fetch
        self._issuer = issuer
        self._url = url
        self._refresh = refresh
        self._changed = changed
        self._clock = clock
        self._keys: KeySet | None = None
        self._raw = b""
        self._fetched_at = self._asked_at = float("-inf")
        self._failures = 0
        self._asking: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def known(self) -> KeySet | None:
        """The keys; None where there are none that are fresh enough."""
        return self._keys if self._clock() - self._fetched_at < KEEP else None

    @property
    def may_learn(self) -> bool:
        """Whether it is time to ask for the sake of one token."""
        pause = PAUSE if self._keys is not None else min(FIRST_PAUSE * self._failures, PAUSE)
        return self._asking is not None or self._clock() - self._asked_at >= pause

    async def learn(self) -> None:
        """Asks, once for all who want to at the same time. What went wrong is in the log."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name=f"keys of {self._issuer}")
        await asyncio.shield(self._asking)

    async def start(self) -> None:
        """Begins to keep the keys fresh. Nobody waits for the issuer here."""
        self._keeper = asyncio.create_task(self._keep(), name=f"keys of {self._issuer}")

    async def stop(self) -> None:
        """Ends that."""
        tasks = [task for task in (self._keeper, self._asking) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _keep(self) -> None:
        while True:
            await self.learn()
            backoff = min(FIRST_PAUSE * 2 ** min(self._failures, 10), LONGEST_PAUSE)
            await asyncio.sleep(min(backoff, self._refresh) if self._failures else self._refresh)

    async def _ask(self) -> None:
        try:
            url = self._url or await discover(self._fetch, self._issuer)
            self._take(await self._fetch.get(url))
        except (FetchFailed, ValueError) as error:
            self._failures += 1
            if self._failures == 1:
                log.warning("the keys of %s can't be had: %s", self._issuer, error)
        except Exception:
            # Nothing that an issuer answers may end the keeping.
            self._failures += 1
            log.exception("the keys of %s can't be read", self._issuer)
        else:
            if self._failures:
                log.info("the keys of %s can be had again", self._issuer)
            self._failures = 0
        finally:
            self._asked_at = self._clock()
            self._asking = None

    def _take(self, raw: bytes) -> None:
        if raw != self._raw or self._keys is None:
            self._keys = read_key_set(raw)
            self._raw = raw
            self._changed()
        self._fetched_at = self._clock()


class FileKeys:
    """The keys in a file. They change with the configuration only."""

    may_learn = False

    def __init__(self, file: Path) -> None:
        """Raises StartError."""
        try:
            self.known: KeySet | None = read_key_set(file.read_bytes())
        except OSError as error:
            raise StartError(f"the key set {file} can't be read: {error.strerror}") from error
        except ValueError as error:
            raise StartError(f"the key set {file} {error}") from error

    async def learn(self) -> None:
        """There is nothing to learn."""

    async def start(self) -> None:
        """Does nothing."""

    async def stop(self) -> None:
        """Does nothing."""
