"""A webhook's receiver: an HTTP server that verifies each notice with the library of Standard Webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
WRONG = "a notice that the library refuses"


def until(seen: Callable[[], bool], limit: float = 60.0) -> None:
    """Waits for a condition."""
    deadline = time.monotonic() + limit
    while not seen():
        assert time.monotonic() < deadline, "it has not come about"
        time.sleep(0.02)


@dataclass
class NoticeReceiver:
    """What has come, in the order in which it came."""

    port: int = 0
    secret: str = SECRET
    status: int = 200
    """What it answers."""
    headers: dict[str, str] = field(default_factory=dict)
    gate: threading.Event = field(default_factory=threading.Event)
    """While it is not set, no request is answered."""
    ids: list[str] = field(default_factory=list)
    """The `webhook-id` of each attempt."""
    paths: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def types(self) -> list[str]:
        return [body["type"] for body in self.bodies]

    def of(self, event: str) -> list[Any]:
        """The data of all attempts of an event."""
        return [body["data"] for body in self.bodies if body["type"] == event]

    def await_types(self, *types: str) -> None:
        until(lambda: set(types) <= set(self.types))


@contextmanager
def receiving(port: int = 0) -> Iterator[NoticeReceiver]:
    receiver = NoticeReceiver()
    receiver.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                told = Webhook(receiver.secret).verify(body, {k.lower(): v for k, v in self.headers.items()})
            except Exception as error:  # whatever the library has against it
                told = {"type": WRONG, "data": str(error)}
            receiver.bodies.append(told)
            receiver.ids.append(self.headers["webhook-id"])
            receiver.paths.append(self.path)
            receiver.gate.wait(60)
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.gate.set()
            server.shutdown()
            thread.join()
