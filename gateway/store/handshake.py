"""From an address to a connection that is ready for commands."""

from __future__ import annotations

import asyncio
import socket
import ssl
from time import monotonic
from typing import Any

from gateway.errors import StoreUnavailable
from gateway.store.address import StoreAddress
from gateway.store.redis_errors import CommandRejected
from gateway.store.resp_connection import Argument, RespConnection
from gateway.store.store_clock import StoreClock

CLIENT_NAME = "gatepost"
"""What the server's `CLIENT LIST` shows."""
REPLICA_ROLES = (b"replica", b"slave")
NO_RESP3 = "the server knows no RESP3"


async def open_wire(wire: RespConnection, address: StoreAddress, tls: ssl.SSLContext | None) -> None:
    """Connects the wire's socket. Raises OSError."""
    loop = asyncio.get_running_loop()
    if address.path is not None:
        await loop.create_unix_connection(lambda: wire, address.path)
        return
    transport, _ = await loop.create_connection(
        lambda: wire, address.host, address.port, ssl=tls, server_hostname=address.host if tls else None
    )
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


async def greet(
    wire: RespConnection, address: StoreAddress, *, tracking: bool, clock: StoreClock
) -> str | None:
    """Protocol, user, name, database, tracking and time in one round trip.

    Returns why the server does not say what changes, although `tracking` was wanted: a server that knows no
    RESP3, or refuses tracking, is used without. Raises StoreUnavailable, also where it is no primary.
    """
    hello: list[Argument] = ["HELLO", 3]
    if address.password is not None:
        hello += ["AUTH", address.username or "default", address.password]
    greeting = _ask(wire, *hello, "SETNAME", CLIENT_NAME)
    select = _ask(wire, "SELECT", address.db) if address.db else None
    tracked = _ask(wire, "CLIENT", "TRACKING", "ON") if tracking else None
    time = ask_time(wire, clock)
    asked = [answer for answer in (greeting, select, tracked, time) if answer is not None]
    await asyncio.gather(*asked, return_exceptions=True)
    if _is_unknown(greeting.exception(), logs_in=address.password is not None):
        await _log_in(wire, address)
        await asyncio.gather(ask_time(wire, clock), return_exceptions=True)
        return NO_RESP3 if tracking else None
    check_role(greeting.result())
    if select is not None:
        select.result()
    try:
        if tracked is not None:
            tracked.result()
    except CommandRejected as refusal:
        return refusal.reason
    return None


async def _log_in(wire: RespConnection, address: StoreAddress) -> None:
    """User and database as servers before Redis 6 take them."""
    asked = []
    if address.password is not None:
        user = [] if address.username is None else [address.username]
        asked.append(_ask(wire, "AUTH", *user, address.password))
    if address.db:
        asked.append(_ask(wire, "SELECT", address.db))
    await asyncio.gather(*asked)
    await _ask(wire, "PING")


def ask_time(wire: RespConnection, clock: StoreClock) -> asyncio.Future[Any]:
    """Asks for the server's time, and sets the clock by the answer."""
    asked = monotonic()
    return wire.send("TIME", ("TIME",), lambda answer: clock.learn(answer, asked))


def check_role(answer: Any) -> None:
    """Takes an answer to HELLO. Raises StoreUnavailable where the server is a replica: what is revoked at the
    primary may live on there, and it takes no writes.
    """
    if _members(answer).get(b"role") in REPLICA_ROLES:
        raise StoreUnavailable("the store is a read-only replica: the gateway needs the primary")


def check_mode(answer: Any) -> None:
    """Takes an answer to HELLO of a server that is to be used by itself. Raises StoreUnavailable where it is
    a node of a cluster, which has some of the keys only, or a Sentinel, which has none.
    """
    mode = _members(answer).get(b"mode")
    if mode == b"cluster":
        raise StoreUnavailable("the server is a node of a cluster, for which redis+cluster:// is")
    if mode == b"sentinel":
        raise StoreUnavailable("the server is a Sentinel, for which redis+sentinel:// is")


def _members(answer: Any) -> dict[Any, Any]:
    if isinstance(answer, dict):
        return answer
    return dict(zip(answer[::2], answer[1::2], strict=True))  # RESP2 has a list of names and values


def _ask(wire: RespConnection, *words: Argument) -> asyncio.Future[Any]:
    return wire.send(str(words[0]), words)


def _is_unknown(error: BaseException | None, *, logs_in: bool) -> bool:
    """Whether the server does not know HELLO, or this version of the protocol."""
    if not isinstance(error, CommandRejected):
        return False
    # Who asks for a password has not read the one in HELLO.
    return (
        error.code == "NOPROTO" or "unknown command" in error.reason or (logs_in and error.code == "NOAUTH")
    )
