"""An issuer's public keys: fetched in the background, and when a token has an unknown `kid`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from gateway.errors import StartError
from gateway.issuers.discovery import discover
from gateway.issuers.http_client import HttpClient, HttpClientError
from gateway.jose.key_set import KeySet, read_key_set

log = logging.getLogger("gatepost")

MIN_FETCH_INTERVAL = 5.0
"""Seconds between two fetches caused by tokens, so that made-up `kid`s cause no more."""
FIRST_RETRY = 1.0
MAX_RETRY = 60.0
"""Seconds until the next attempt after a failure; doubled each time."""
MAX_AGE = 86_400.0
"""Seconds that keys are used while the issuer can't be reached."""


class RemoteKeys:
    """The keys at a configured URL, or at one found by discovery."""

    def __init__(
        self,
        fetch: HttpClient,
        *,
        issuer: str,
        url: str | None,
        refresh: float,
        changed: Callable[[], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`changed` is called when cached results must be verified again with new keys."""
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
    def current(self) -> KeySet | None:
        """The keys; None where there are none, or they are too old."""
        return self._keys if self._clock() - self._fetched_at < MAX_AGE else None

    @property
    def age(self) -> float:
        """Seconds since the keys were fetched."""
        return self._clock() - self._fetched_at

    @property
    def raw_bytes(self) -> int:
        """Bytes of the document that the keys are from."""
        return len(self._raw)

    @property
    def may_learn(self) -> bool:
        """Whether a token with an unknown `kid` may cause a fetch now."""
        pause = (
            MIN_FETCH_INTERVAL
            if self._keys is not None
            else min(FIRST_RETRY * self._failures, MIN_FETCH_INTERVAL)
        )
        return self._asking is not None or self._clock() - self._asked_at >= pause

    async def learn(self) -> None:
        """Fetches the keys, once for all concurrent callers. Failures are logged."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name=f"keys of {self._issuer}")
        await asyncio.shield(self._asking)

    async def start(self) -> None:
        """Starts the background refresh. It does not wait for the issuer."""
        self._keeper = asyncio.create_task(self._keep(), name=f"keys of {self._issuer}")

    async def stop(self) -> None:
        """Stops it."""
        tasks = [task for task in (self._keeper, self._asking) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _keep(self) -> None:
        while True:
            await self.learn()
            backoff = min(FIRST_RETRY * 2 ** min(self._failures, 10), MAX_RETRY)
            await asyncio.sleep(min(backoff, self._refresh) if self._failures else self._refresh)

    async def _ask(self) -> None:
        try:
            url = self._url or await discover(self._fetch, self._issuer)
            self._take(await self._fetch.get(url))
        except (HttpClientError, ValueError) as error:
            self._failures += 1
            if self._failures == 1:
                log.warning("the keys of %s can't be had: %s", self._issuer, error)
        except Exception:
            # No response of an issuer may end the refresh.
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


class KeySetFile:
    """The keys in a file, read once when the configuration is loaded."""

    may_learn = False

    def __init__(self, file: Path) -> None:
        """Raises StartError."""
        try:
            self.current: KeySet | None = read_key_set(file.read_bytes())
        except OSError as error:
            raise StartError(f"the key set {file} can't be read: {error.strerror}") from error
        except ValueError as error:
            raise StartError(f"the key set {file} {error}") from error

    async def learn(self) -> None:
        """Does nothing."""

    async def start(self) -> None:
        """Does nothing."""

    async def stop(self) -> None:
        """Does nothing."""
