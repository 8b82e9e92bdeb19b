"""Credentials that the gateway shows to an upstream, in a header of each request.

They are written into the head at the last moment: no plugin, no log line and no cache has them.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import GatepostError
from gateway.http.header_fields import render_header_lines
from gateway.upstream.errors import UpstreamBroken

log = logging.getLogger("gatepost")

DEFAULT_LIFETIME = 3600.0
"""Seconds that a token is used whose response has no `expires_in` (RFC 6749 section 5.1 leaves it open)."""
_RENEW_BEFORE = 60.0
_RENEW_SHARE = 0.2
_LONGEST_DELAY = 30.0
_REJECTED_PAUSE = 10.0
"""Seconds until a token that has never been accepted is replaced once more."""
_ACCEPTED_PAUSE = 1.0
"""Seconds until a token that other requests have been accepted with is replaced once more."""
_MAX_TOKEN = 8192


class UpstreamCredentials(Protocol):
    """A header line for each request to an upstream."""

    def current(self) -> bytes | None:
        """The line, with its line break. None: it must be fetched."""

    async def fetch(self) -> bytes:
        """Fetches the line, once for all who wait.

        Raises:
            UpstreamBroken: it can't be had now.
        """

    def accepted(self) -> None:
        """A request with the current line was not answered 401."""

    def rejected(self, line: bytes) -> bool:
        """A request with this line was answered 401. Returns whether another one is worth a try."""

    async def stop(self) -> None:
        """Ends what is under way."""


class StaticCredentials:
    """The same header for every request."""

    def __init__(self, name: bytes, value: bytes) -> None:
        self._line = render_header_lines([(name, value)])

    def current(self) -> bytes | None:
        """The line."""
        return self._line

    async def fetch(self) -> bytes:
        """The line."""
        return self._line

    def accepted(self) -> None:
        """Nothing changes."""

    def rejected(self, line: bytes) -> bool:
        """There is no other one."""
        return False

    async def stop(self) -> None:
        """Nothing is under way."""


class TokenClient(Protocol):
    """Sends a token request."""

    async def post(self, url: str, form: dict[str, str], login: tuple[str, str]) -> bytes:
        """The body of a 200 response; `login` goes in HTTP Basic. Raises GatepostError for any other."""

    async def stop(self) -> None:
        """Closes the connections."""


@dataclass(frozen=True, slots=True)
class UpstreamTokenRequest:
    """How a token is asked for (RFC 6749 section 4.4.2)."""

    url: str
    client_id: str
    client_secret: str
    scope: str | None


@dataclass(slots=True)
class _Token:
    line: bytes
    renew_from: float
    ends: float
    replaces_rejected: bool
    fetched: float
    accepted: bool = False


class ClientCredentialsTokens:
    """Access tokens of another authorization server (RFC 6749 section 4.4)."""

    def __init__(
        self, upstream: str, request: UpstreamTokenRequest, client: TokenClient, clock: Callable[[], float]
    ) -> None:
        """`upstream` is its name, for the log. `clock` gives seconds and never goes back."""
        self._upstream = upstream
        self._request = request
        self._client = client
        self._clock = clock
        self._token: _Token | None = None
        self._rejected = False
        self._task: asyncio.Task[UpstreamBroken | None] | None = None
        self._failures = 0
        self._not_before = 0.0
        self._problem = "no token yet"

    def current(self) -> bytes | None:
        """The line with the token. A token that ends soon is renewed in the background."""
        token = self._token
        if token is None:
            return None
        now = self._clock()
        if now >= token.ends:
            return None
        if now >= token.renew_from and now >= self._not_before:
            self._fetching()
        return token.line

    async def fetch(self) -> bytes:
        """The line with a token, after one fetch for all who wait.

        Raises:
            UpstreamBroken: the token server gave none, now or a moment ago.
        """
        if self._clock() < self._not_before and self._task is None:
            raise UpstreamBroken(self._problem)
        problem = await asyncio.shield(self._fetching())
        if problem is not None or self._token is None:
            raise problem or UpstreamBroken(self._problem)
        return self._token.line

    def accepted(self) -> None:
        """The current token is good."""
        if self._token is not None:
            self._token.accepted = True

    def rejected(self, line: bytes) -> bool:
        """Drops the token. One that has just replaced a rejected one stays: another would not help either."""
        token = self._token
        if token is None or token.line != line:
            return True
        pause = _REJECTED_PAUSE if not token.accepted else _ACCEPTED_PAUSE
        if token.replaces_rejected and self._clock() < token.fetched + pause:
            return False
        self._token, self._rejected = None, True
        return True

    async def stop(self) -> None:
        """Ends a fetch and closes the connections to the token server."""
        if self._task is not None:
            self._task.cancel()
        await self._client.stop()

    def _fetching(self) -> asyncio.Task[UpstreamBroken | None]:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._fetch())
            self._task.add_done_callback(self._fetched)
        return self._task

    def _fetched(self, task: asyncio.Task[UpstreamBroken | None]) -> None:
        self._task = None

    async def _fetch(self) -> UpstreamBroken | None:
        """Fetches a token. Returns why there is none."""
        request = self._request
        form = {"grant_type": "client_credentials"}
        if request.scope is not None:
            form["scope"] = request.scope
        try:
            body = await self._client.post(request.url, form, (request.client_id, request.client_secret))
            token, lifetime = parse_token_response(body)
        except GatepostError as error:
            return self._failed(str(error))
        except ValueError as error:
            return self._failed(f"{request.url}: {error}")
        except Exception:
            # No answer of a token server may leave a request waiting for ever.
            log.exception("upstream %s: the token server's answer can't be read", self._upstream)
            return self._failed(f"{request.url}: the answer can't be read")
        now = self._clock()
        self._token = _Token(
            render_header_lines([(b"Authorization", b"Bearer " + token.encode())]),
            renew_from=now + lifetime - min(_RENEW_BEFORE, lifetime * _RENEW_SHARE),
            ends=now + lifetime,
            replaces_rejected=self._rejected,
            fetched=now,
        )
        self._rejected, self._failures, self._not_before = False, 0, 0.0
        return None

    def _failed(self, reason: str) -> UpstreamBroken:
        delay = min(_LONGEST_DELAY, 2.0**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._not_before = self._clock() + delay
        self._problem = f"no access token for the upstream: {reason}"
        log.warning("upstream %s: no access token: %s; next attempt in %g s", self._upstream, reason, delay)
        return UpstreamBroken(self._problem)


def parse_token_response(body: bytes) -> tuple[str, float]:
    """The access token of a response (RFC 6749 section 5.1), and the seconds that it may be used.

    Raises:
        ValueError: there is none that could be used; the message says why, without the token.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the response is not JSON") from None
    if not isinstance(document, dict):
        raise ValueError("the response is not a JSON object")
    token, kind = document.get("access_token"), document.get("token_type", "bearer")
    # RFC 6750 section 2.1: b64token, all of it visible ASCII.
    if not isinstance(token, str) or not 0 < len(token) <= _MAX_TOKEN or not token.isascii():
        raise ValueError("the response has no access_token")
    if not token.isprintable() or " " in token:
        raise ValueError("the response has no access_token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ValueError("the token is not a bearer token")
    return token, _lifetime(document.get("expires_in"))


def _lifetime(value: object) -> float:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return DEFAULT_LIFETIME
    # Not the other way round: an integer may be too large for a float.
    return float(min(value, 10 * 365 * 86400))
