"""Opens connections to one server: by name, by Unix socket, with TLS, within a time limit."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from gateway.upstream.address import ServerAddress
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.errors import UpstreamBroken, UpstreamSlow
from gateway.upstream.resolve import Lookup, Resolver, look_up

Factory = Callable[[], UpstreamConnection]


class Connector:
    """Opens a connection to a server; tries all its addresses within one time limit."""

    __slots__ = ("_address", "_context", "_resolver", "_server_name", "_timeout")

    def __init__(
        self,
        address: ServerAddress,
        *,
        timeout: float,
        context: ssl.SSLContext | None = None,
        server_name: str | None = None,
        lookup: Lookup = look_up,
    ) -> None:
        self._address = address
        self._timeout = timeout
        self._context = context
        self._server_name = server_name or address.host
        self._resolver = Resolver(address.host, address.port, lookup)

    async def connect(self, factory: Factory) -> UpstreamConnection:
        """An established connection.

        Raises:
            UpstreamBroken: nobody listens, or the TLS handshake failed.
            UpstreamSlow: it took too long.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._attempt(factory)
        except TimeoutError:
            raise UpstreamSlow(f"no connection to {self._address} within {self._timeout:g} s") from None
        except (OSError, UnicodeError) as error:  # the second: a name that can't be looked up at all
            raise UpstreamBroken(f"{_cause(error)}: {error}") from error

    async def _attempt(self, factory: Factory) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        if self._address.socket is not None:
            return (await loop.create_unix_connection(factory, self._address.socket))[1]
        candidates = await self._resolver.addresses(loop.time())
        deadline = loop.time() + self._timeout
        while True:
            address = candidates.pop(0)
            # An address that swallows packets must leave the others their share of the time.
            share = (deadline - loop.time()) / (len(candidates) + 1)
            try:
                async with asyncio.timeout(share):
                    return await self._open(address, factory)
            except OSError:
                if not candidates:
                    raise

    async def _open(self, address: str, factory: Factory) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        if self._context is None:
            return (await loop.create_connection(factory, address, self._address.port))[1]
        made = await loop.create_connection(
            factory,
            address,
            self._address.port,
            ssl=self._context,
            server_hostname=self._server_name,
        )
        return made[1]


def _cause(error: OSError | UnicodeError) -> str:
    """What failed, in the words that an operator would search for."""
    causes: tuple[tuple[type[Exception], str], ...] = (
        (ConnectionRefusedError, "connection refused"),
        (ConnectionResetError, "connection reset while connecting"),
        (ssl.SSLCertVerificationError, "TLS certificate not accepted"),
        (ssl.SSLError, "TLS handshake failed"),
        (socket.gaierror, "host name not resolved"),
        (UnicodeError, "host name not valid"),
    )
    return next((cause for kind, cause in causes if isinstance(error, kind)), "connection failed")
