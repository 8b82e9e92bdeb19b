"""A client whose requests have a connection each, for the counter of instructions."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable

from benchmarks.handshakes import client_context, exchanged
from benchmarks.instruction_cases import Connecting, Request

PATIENCE = 60.0
"""Seconds: a gateway under callgrind takes its time."""


class ConnectingClient:
    """One connection after the other, each with one request, whose answer is the last."""

    def __init__(self, port: int, how: Connecting) -> None:
        """`port`: one that speaks TLS, if it is to be spoken."""
        self._address, self._how = ("127.0.0.1", port), how
        self._context = client_context()
        self._session: ssl.SSLSession | None = None

    def __enter__(self) -> ConnectingClient:
        return self

    def __exit__(self, *_: object) -> None:
        """Each connection has been closed behind its answer."""

    def send(self, requests: Iterable[Request]) -> None:
        """Sends the requests. RuntimeError: one is not answered as it should be."""
        for (request,) in requests:
            with socket.create_connection(self._address, PATIENCE) as plain:
                answer = (
                    exchanged(plain, request)
                    if self._how is Connecting.PLAIN
                    else self._over_tls(plain, request)
                )
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"answered with {answer!r}")

    def _over_tls(self, plain: socket.socket, request: bytes) -> bytes:
        with self._context.wrap_socket(plain, session=self._session) as made:
            answer = exchanged(made, request)
            if made.session_reused is not (self._session is not None):
                raise RuntimeError("the session was not taken up")
            if self._how is Connecting.RESUMED:
                self._session = made.session
        return answer
