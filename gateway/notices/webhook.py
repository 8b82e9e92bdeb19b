"""The HTTP client that hands notices over."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import ResolveResult

from gateway.notices.attempts import NoticeAttempt
from gateway.oauth.networks import is_inside, is_link_local, is_loopback, is_public

TIMEOUT = 10.0
"""Seconds for a whole attempt."""


class RefusedAddress(OSError):  # noqa: N818 (the name says what is the matter)
    """A host has no address that may be asked."""


class WebhookResolver(aiohttp.ThreadedResolver):
    """Resolves names to addresses that may be asked. The connection goes to what was judged here."""

    def __init__(self, *, loopback_only: bool, networks: tuple[str, ...] | None = None) -> None:
        """As for `may_ask`."""
        super().__init__()
        self._loopback_only = loopback_only
        self._networks = networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises RefusedAddress where none may be asked."""
        found = await super().resolve(host, port, family)
        allowed = [
            one
            for one in found
            if may_ask(one["host"], loopback_only=self._loopback_only, networks=self._networks)
        ]
        if not allowed:
            raise RefusedAddress("the host has no address that may be asked")
        return allowed


def may_ask(address: str, *, loopback_only: bool, networks: tuple[str, ...] | None = None) -> bool:
    """Whether notices may go to an IP address. Without TLS, only to this machine.

    `networks`: those beside the public Internet that developers' webhooks may be in; None: it is the
    operator's.
    """
    if is_link_local(address) or (loopback_only and not is_loopback(address)):
        return False
    return networks is None or is_public(address) or (bool(networks) and is_inside(networks, address))


def may_ask_url(url: str, networks: tuple[str, ...]) -> bool:
    """Whether a developer's webhook may have this URL. A name is judged once it is resolved."""
    parts = urlsplit(url)
    host, loopback_only = parts.hostname or "", parts.scheme == "http"
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return bool(host) and (not loopback_only or bool(networks))
    return may_ask(host, loopback_only=loopback_only, networks=networks)


class WebhookClient:
    """Posts to one URL. Redirects, cookies and proxies of the environment are ignored."""

    def __init__(self, url: str, timeout: float = TIMEOUT, networks: tuple[str, ...] | None = None) -> None:
        """`url` was checked by the configuration; `networks` is as for `may_ask`."""
        self._url = url
        self._networks = networks
        self._loopback_only = urlsplit(url).scheme == "http"
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: str, headers: dict[str, str]) -> NoticeAttempt:
        """One attempt. What the receiver says beside its status is not read."""
        if self._networks is not None and not may_ask_url(self._url, self._networks):
            # An address is not resolved, so the resolver does not see it.
            return NoticeAttempt(0, RefusedAddress.__name__)
        told = {"Content-Type": "application/json", "User-Agent": "gatepost", **headers}
        try:
            async with self._opened().post(
                self._url, data=body.encode(), headers=told, allow_redirects=False
            ) as response:
                return NoticeAttempt(response.status)
        except TimeoutError:
            return NoticeAttempt(0, "no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return NoticeAttempt(0, type(error).__name__)

    async def stop(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # Closed each time: the address is judged anew, and an unread answer is left behind.
                connector=aiohttp.TCPConnector(
                    resolver=WebhookResolver(loopback_only=self._loopback_only, networks=self._networks),
                    force_close=True,
                    use_dns_cache=False,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                auto_decompress=False,
            )
        return self._session
