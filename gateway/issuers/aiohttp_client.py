"""HTTP client for other authorization servers."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

import aiohttp
from aiohttp.abc import ResolveResult

from gateway.errors import StartError
from gateway.issuers.http_client import HttpClientError
from gateway.oauth.networks import is_public, may_be_public

MAX_RESPONSE = 512 * 1024
"""Bytes of a response body."""
MAX_CONNECTIONS = 16


class AiohttpClient:
    """Connections to one issuer. Certificates are verified; redirects and cookies are ignored."""

    def __init__(
        self,
        timeout: float,
        ca: Path | None = None,
        *,
        most_bytes: int = MAX_RESPONSE,
        public_only: bool = False,
    ) -> None:
        """`timeout` is seconds for a whole request, `most_bytes` the largest response. `public_only`: only
        https, and only to addresses of the public Internet. Raises StartError where `ca` can't be used.
        """
        self._most_bytes = most_bytes
        self._public_only = public_only
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._tls = None if ca is None else _trust(ca)
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """The body of a 200 response. Raises HttpClientError for any other."""
        return await self._ask("GET", url, headers=headers)

    async def post(self, url: str, form: dict[str, str], login: tuple[str, str] | None) -> bytes:
        """The same for a form, with a client's id and secret in HTTP Basic, if they are given."""
        # RFC 6749 section 2.3.1: each half is form-encoded before.
        basic = None if login is None else aiohttp.encode_basic_auth(*map(quote_plus, login))
        return await self._ask(
            "POST", url, data=form, headers=None if basic is None else {"Authorization": basic}
        )

    async def stop(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, method: str, url: str, **options: Any) -> bytes:
        try:
            try:
                return await self._answer(method, url, **options)
            except aiohttp.ServerDisconnectedError:
                # A kept connection was closed meanwhile. All requests made here are idempotent.
                return await self._answer(method, url, **options)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
            raise HttpClientError(f"{url}: {reason}") from error

    async def _answer(self, method: str, url: str, **options: Any) -> bytes:
        if self._public_only:
            check_public(url)
        async with self._opened().request(method, url, allow_redirects=False, **options) as response:
            if response.status != 200:  # noqa: PLR2004 (OK)
                raise HttpClientError(f"{url} answered {response.status}", response.status)
            return await self._read(response, url)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    # The system's CAs are read when they are needed: most gateways ask nobody.
                    ssl=self._tls or _trust(None),
                    limit=MAX_CONNECTIONS,
                    resolver=PublicResolver() if self._public_only else None,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                # No compression: a small body can't decompress to a large one.
                auto_decompress=False,
                headers={
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": "gatepost",
                },
            )
        return self._session

    async def _read(self, response: aiohttp.ClientResponse, url: str) -> bytes:
        body = bytearray()
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > self._most_bytes:
                raise HttpClientError(f"{url}: the response is too large")
        return bytes(body)


class PublicResolver(aiohttp.ThreadedResolver):
    """Resolves names to public addresses only. The connection goes to what was judged here."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of a host. Raises OSError where it has none."""
        found = await super().resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise OSError("the host has no public address")
        return public


def check_public(url: str) -> None:
    """Raises HttpClientError unless it is an https URL whose host is no inner address."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not may_be_public(parts.hostname or ""):
        raise HttpClientError(f"{url}: only https URLs of public addresses are asked")


def _trust(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise StartError(f"the CAs in {ca} can't be used: {error.strerror or error}") from error
