"""Asks other token servers over HTTP."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import aiohttp

from gateway.errors import StartError
from gateway.issuers.fetching import FetchFailed

MOST = 512 * 1024
"""Bytes of an answer."""
MOST_CONNECTIONS = 16


class HttpFetch:
    """One issuer's connections. Certificates are verified; no redirect is followed, no cookie kept."""

    def __init__(self, timeout: float, ca: Path | None = None) -> None:
        """`timeout` is seconds for a whole question. Raises StartError where `ca` can't be used."""
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._tls = _trust(ca)
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str) -> bytes:
        """The body of a 200 answer. Raises FetchFailed for anything else."""
        return await self._ask("GET", url)

    async def post(self, url: str, form: dict[str, str], login: tuple[str, str]) -> bytes:
        """The same for a form, with a client's id and secret in HTTP Basic."""
        # RFC 6749 section 2.3.1: each half is form-encoded before.
        basic = aiohttp.encode_basic_auth(*map(quote_plus, login))
        return await self._ask("POST", url, data=form, headers={"Authorization": basic})

    async def stop(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, method: str, url: str, **options: Any) -> bytes:
        try:
            try:
                return await self._answer(method, url, **options)
            except aiohttp.ServerDisconnectedError:
                # The connection was kept, and closed just now. What is asked here may be asked twice.
                return await self._answer(method, url, **options)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
            raise FetchFailed(f"{url}: {reason}") from error

    async def _answer(self, method: str, url: str, **options: Any) -> bytes:
        async with self._opened().request(method, url, allow_redirects=False, **options) as response:
            if response.status != 200:  # noqa: PLR2004 (OK)
                raise FetchFailed(f"{url} answered {response.status}")
            return await _read(response, url)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls, limit=MOST_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                # What is not compressed can't unfold to more than it is.
                auto_decompress=False,
                headers={
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": "gatepost",
                },
            )
        return self._session


async def _read(response: aiohttp.ClientResponse, url: str) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MOST:
            raise FetchFailed(f"{url}: the answer is too large")
    return bytes(body)


def _trust(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise StartError(f"the CAs in {ca} can't be used: {error.strerror or error}") from error
