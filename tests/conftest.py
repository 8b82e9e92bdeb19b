"""Fixtures for the whole suite: real Valkey servers."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from gateway.store import Store
from gateway.store.embedded.binary import find_binary


class Valkey:
    """A real server on a Unix socket, without persistence unless `options` say so."""

    def __init__(self, *options: str) -> None:
        # Not under pytest's directories: a socket's path must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="gatepost-test-"))
        self.path = self.folder / "s"
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    @property
    def client(self) -> redis.Redis:
        """A client of the test's own, to look into the server and to disturb it."""
        return redis.Redis(unix_socket_path=str(self.path), socket_timeout=5)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [find_binary(), "--port", "0", "--unixsocket", self.path, "--save", "", *self.options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 10
        while not self.answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.005)

    def answers(self) -> bool:
        try:
            with self.client as client:
                client.ping()
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False
        return True

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """One server for all tests that leave it standing; each uses its own `prefix`."""
    server = Valkey()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    """A server for one test, which may stop, starve or kill it."""
    server = Valkey()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def prefix() -> str:
    """Keys that no other test uses."""
    return f"test-{uuid4().hex[:12]}:"


@pytest.fixture(params=["opaque", "jwt"])
def both_formats(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test once with opaque tokens and once with JWTs."""
    monkeypatch.setattr("tests.services.DEFAULT_FORMAT", request.param)
    return str(request.param)


@pytest.fixture
async def store(valkey: Valkey, prefix: str) -> AsyncIterator[Store]:
    """A store under keys of its own."""
    opened = Store(valkey.url, prefix)
    await opened.start()
    yield opened
    await opened.stop()
