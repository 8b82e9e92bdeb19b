"""The connection that a request came on, as those see it who answer the request with aiohttp."""

from __future__ import annotations

from typing import Protocol, cast

from aiohttp import web

from gateway.faults import Fault
from gateway.web.tunnel import CallerStream


class Owner(Protocol):
    """A client connection. aiohttp's handler works for it."""

    @property
    def connected(self) -> bool:
        """Whether anything can still be sent."""

    def write(self, data: bytes) -> None:
        """Sends bytes."""

    async def drain(self) -> None:
        """Waits until the caller has taken most of them; ConnectionResetError where it is gone."""

    def abort(self) -> None:
        """Breaks the connection off."""

    def reset(self) -> None:
        """Breaks it off by RST."""

    def pause(self) -> None:
        """Reads no more for now."""

    def resume(self) -> None:
        """Reads on."""

    def become_tunnel(self) -> CallerStream:
        """From here on the caller's bytes are no HTTP."""

    def refuse(self, fault: Fault) -> None:
        """Answers what is no request that can be read."""

    def begun(self) -> None:
        """aiohttp begins to answer a request."""

    def answered(self, request: web.BaseRequest, *, keep: bool) -> None:
        """The answer is out; `keep`: aiohttp would answer another one."""


class _Owned(Protocol):
    connection: Owner


def connection_of(request: web.BaseRequest) -> Owner:
    """The connection that a request came on."""
    return cast(_Owned, request.protocol).connection
