"""From an address to a connection that is ready for commands."""

from __future__ import annotations

import asyncio
import socket
import ssl

from gateway.store.address import Address
from gateway.store.wire import Argument, Wire

CLIENT_NAME = "gatepost"
"""What the server's `CLIENT LIST` shows."""


async def open_wire(wire: Wire, address: Address, tls: ssl.SSLContext | None) -> None:
    """Connects the wire's socket. Raises OSError."""
    loop = asyncio.get_running_loop()
    if address.path is not None:
        await loop.create_unix_connection(lambda: wire, address.path)
        return
    transport, _ = await loop.create_connection(
        lambda: wire, address.host, address.port, ssl=tls, server_hostname=address.host if tls else None
    )
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


async def greet(wire: Wire, address: Address, *, tracking: bool) -> None:
    """Protocol, user, name, database and tracking in one round trip. Raises StoreUnavailable."""
    hello: list[Argument] = ["HELLO", 3]
    if address.password is not None:
        hello += ["AUTH", address.username or "default", address.password]
    commands: list[list[Argument]] = [[*hello, "SETNAME", CLIENT_NAME]]
    if address.db:
        commands.append(["SELECT", address.db])
    if tracking:
        commands.append(["CLIENT", "TRACKING", "ON"])
    answers = [wire.send(str(words[0]), words) for words in commands]
    for answer in await asyncio.gather(*answers, return_exceptions=True):
        if isinstance(answer, BaseException):
            raise answer
