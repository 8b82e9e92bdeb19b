"""A gateway whose gateway.yaml changes while it runs, or between two runs."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from tests.gateway_process import CHEAP_HASHES
from tests.portal.conftest import config
from tests.portal.reader import Reader, call
from tests.running import Running

LIMIT = 30.0
PERSON = {"name": "ann", "password": "first-secret-word"}
ROOT = {"name": "root", "password": "root-secret-word", "admin": True}
APP = {
    "id": "app",
    "secrets": ["app-secret"],
    "grants": ["client_credentials", "password", "refresh_token"],
    "scopes": ["orders.read", "portal:manage"],
}
GRANTS = {"password": {"enabled": True}, "refresh_token": {"enabled": True}}


class Changing:
    """One gateway; `users` and `clients` are those of its file."""

    def __init__(self, folder: Path, backend: str, store: str, workers: int = 1, **more: Any) -> None:
        self.folder = folder
        self.workers = workers
        self.config = config(backend, store, grants=GRANTS, clients=[APP], **more)
        self.config["server"]["workers"] = workers
        with socket.create_server(("127.0.0.1", 0)) as free:
            # The same after a restart: browsers keep cookies by it.
            self.config["server"]["listen"][0]["port"] = free.getsockname()[1]
        self.config["routes"].append({"path": "/any", "upstream": "orders"})
        self.config["tokens"] = {"key": "k" * 32}
        self.config["portal"]["users"] = [PERSON, ROOT]
        self.prefix: str = self.config["store"]["prefix"]
        self.running: Running | None = None

    @property
    def gateway(self) -> Running:
        assert self.running is not None
        return self.running

    @property
    def url(self) -> str:
        return self.gateway.http

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.running = Running(self.config, self.folder, **CHEAP_HASHES)
        self.running.await_ready()

    def stop(self) -> None:
        if self.running is not None:
            self.running.stop()
            self.running = None

    def change(self, **sections: Any) -> None:
        """Puts other `users` or `clients` into the file."""
        if "users" in sections:
            self.config["portal"]["users"] = sections["users"]
        if "clients" in sections:
            self.config["clients"] = sections["clients"]

    def restart(self, **sections: Any) -> None:
        self.stop()
        self.change(**sections)
        self.start()

    def reload(self, **sections: Any) -> None:
        """Changes the file, and returns when only workers of the new one are left."""
        self.change(**sections)
        gateway = self.gateway
        gateway.write(self.config)
        before = set(gateway.children())
        gateway.lines.clear()
        gateway.signal(signal.SIGHUP)
        self._until(lambda: gateway.found("reloaded: ") is not None)
        if self.workers > 1:
            self._until(lambda: not before & set(gateway.children()))

    def _until(self, condition: Any) -> None:
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < deadline, self.gateway.output
            assert not self.gateway.found("not reloaded"), self.gateway.output
            time.sleep(0.01)

    # What people and programs do.

    def reader(self) -> Reader:
        return Reader(self.url)

    def signed_in(self, user: dict[str, Any]) -> Reader:
        reader = self.reader()
        assert reader.sign_in(user["name"], user["password"]).status == 200
        return reader

    def signed_up(self, name: str, password: str = "a new person's word") -> Reader:
        reader = self.reader()
        made = reader.open("/portal/sign-up").submit("/sign-up", name=name, password=password, again=password)
        assert made.status == 200, made.words
        return reader

    def token(self, **form: str) -> dict[str, Any]:
        """What the token endpoint gives to the client `app`."""
        status, answer = self.ask_token(**form)
        assert status == 200, answer
        return dict(answer)

    def ask_token(self, basic: str = "app:app-secret", **form: str) -> tuple[int, Any]:
        answer: tuple[int, Any] = call(
            self.url, "/token", {"grant_type": "client_credentials", **form}, basic=basic
        )
        return answer

    def log_in(self, user: dict[str, Any], **form: str) -> dict[str, Any]:
        """The tokens for a user's name and password."""
        named = {"username": user["name"], "password": user["password"]}
        return self.token(grant_type="password", **named, **form)

    def status_of(self, token: str, path: str = "/any") -> int:
        return int(call(self.url, path, bearer=token)[0])

    def refuses(self, tokens: Sequence[str]) -> None:
        """Fails unless each is refused, however often it is asked, by whatever worker."""
        for token in tokens:
            assert [self.status_of(token) for _ in range(4 * self.workers)] == [401] * 4 * self.workers

    def accepts(self, token: str) -> None:
        assert [self.status_of(token) for _ in range(4 * self.workers)] == [200] * 4 * self.workers

    @property
    def database(self) -> redis.Redis:
        return redis.Redis.from_url(self.config["store"]["url"])


@contextmanager
def changing(folder: Path, backend: str, store: str, **options: Any) -> Iterator[Changing]:
    """A gateway that has been started, and is stopped in the end."""
    site = Changing(folder, backend, store, **options)
    site.start()
    try:
        yield site
    finally:
        site.stop()
