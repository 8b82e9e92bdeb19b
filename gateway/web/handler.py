"""aiohttp's side of a connection: made when a request comes that is not for the lane."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.faults import FAILED, Fault
from gateway.web.faults import unread_kind
from gateway.web.owner import Owner
from gateway.web.sent import SentResponse

_YEARS = 1e9
"""Seconds. Idle connections are closed by the connection itself, not by aiohttp."""


class Handler(RequestHandler):
    """Parses requests and runs the application on them. The bytes are given to it by its connection."""

    __slots__ = ("connection",)

    def __init__(self, manager: web.Server, connection: Owner, **options: Any) -> None:
        super().__init__(manager, keepalive_timeout=_YEARS, tcp_keepalive=False, **options)
        self.connection = connection

    @property
    def behind(self) -> bool:
        """Whether there is a request that it has read and not begun."""
        return bool(self._messages)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Sends what is left of an answer, and says that it is out."""
        resp, reset = await super().finish_response(request, resp, start_time)
        self.connection.answered(request, keep=bool(resp.keep_alive) and not reset)
        return resp, reset

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Logs an error, unless it is that the connection ended while the rest of a body was thrown away.

        An error in a handler is logged where it becomes an answer.
        """
        if self.connected and self.connection.connected:
            super().log_exception(*args, **kw)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What aiohttp can't parse, or a handler let escape, in the gateway's own words."""
        if status < 500:  # noqa: PLR2004 (the server's own errors begin there)
            fault = Fault(unread_kind(exc), close=True)
        else:
            self.log_exception("Unhandled error", exc_info=exc)
            fault = Fault(FAILED, close=True)
        self.connection.refuse(fault)
        return SentResponse(status, 0, keep_alive=False)
