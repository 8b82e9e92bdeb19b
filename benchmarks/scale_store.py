"""A Valkey server with very many clients and live tokens, put there as the gateway does it."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import subprocess
import time
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import redis

from gateway.assembly.store import make_store
from gateway.assembly.tokens import configured_keys
from gateway.commands.options import load
from gateway.oauth.model import Client, Secret, TokenInfo
from gateway.oauth.opaque_tokens import OpaqueTokens
from gateway.store import ClientWrite, Store, TokenDraft
from gateway.store.embedded.binary import find_binary
from gateway.tokens.token_formats import OpaqueFormat
from gateway.tokens.token_names import token_name

CLIENT = "client-{:06d}"
LIFETIME = 7200
"""Seconds that each token lives."""
BATCH = 500
"""Commands under way at the same time."""
PATIENCE = 60.0
"""Seconds of each command's time-out: the machine may have other things to do."""
SLOW_MICROSECONDS = 1000
"""Commands that take longer are noted by the server."""
SHARE_OF_FIRST = 10
"""One in so many tokens is the first client's."""


class ScaleStore:
    """A server of its own, without persistence."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "valkey.sock"
        self._process = subprocess.Popen(
            [str(find_binary()), "--port", "0", "--unixsocket", str(self._path), "--save", "",
             "--slowlog-log-slower-than", str(SLOW_MICROSECONDS)],
            cwd=folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self._redis: Any = redis.Redis(unix_socket_path=str(self._path))
        while True:
            with suppress(redis.ConnectionError):
                self._redis.ping()
                return
            time.sleep(0.01)

    @property
    def url(self) -> str:
        """What `store.url` is."""
        return f"unix://{self._path}"

    def memory(self) -> int:
        """Bytes that its data takes (`used_memory`)."""
        return int(self._redis.info("memory")["used_memory"])

    def forget_slow(self) -> None:
        """Begins to note slow commands anew."""
        self._redis.slowlog_reset()

    def slowest(self) -> float:
        """Seconds that the longest command took; 0.001 and less count as 0."""
        return max((entry["duration"] for entry in self._redis.slowlog_get(128)), default=0) / 1e6

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()
        self._path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Filled:
    """What is in the store."""

    client_bytes: int
    token_bytes: int
    of_first: int
    """Tokens of the first client."""
    tokens: list[str]
    """Some of the tokens; the first one is the first client's."""


async def fill(config: Path, server: ScaleStore, tokens: int, clients: int, kept: int) -> Filled:
    """Registers the clients, and issues the tokens."""
    settings = load(config)
    settings = settings.model_copy(update={"store": settings.store.model_copy(update={"timeout": PATIENCE})})
    keys = configured_keys(settings)
    store = make_store(settings, server.url, keys)
    await store.start()
    try:
        empty = server.memory()
        await store.clients.write_many([ClientWrite(None, _client(number)) for number in range(clients)])
        with_clients = server.memory()
        form = OpaqueFormat(OpaqueTokens(keys.derive("token tag"), secrets.token_bytes))
        shown: list[str] = []
        await _in_batches(_issue(store, form, clients, tokens, kept, shown))
        first = len(range(0, tokens, SHARE_OF_FIRST))
        return Filled(with_clients - empty, server.memory() - with_clients, first, shown)
    finally:
        await store.stop()


def _client(number: int) -> Client:
    digest = hashlib.sha256(str(number).encode()).digest()
    scopes = ("orders.read", "orders.write")
    return Client(
        CLIENT.format(number), f"Application {number}", (Secret(digest),), scopes=scopes, source="store"
    )


def _issue(
    store: Store, form: OpaqueFormat, clients: int, tokens: int, kept: int, shown: list[str]
) -> Iterator[Awaitable[object]]:
    """One in ten is the first client's; the others are all clients' alike."""
    now = int(time.time())
    for number in range(tokens):
        client = CLIENT.format(0 if number % SHARE_OF_FIRST == 0 else number % clients)
        scopes = ("am_application_scope", "default")
        facts = TokenInfo(client, scopes, (), client, now, now + LIFETIME, "client_credentials", "store")
        token = form.make(facts)
        if len(shown) < kept:
            shown.append(token)
        yield store.tokens.issue(TokenDraft(token_name(store.names, token), facts, LIFETIME))


async def _in_batches(calls: Iterable[Awaitable[object]]) -> None:
    remaining = iter(calls)
    while batch := list(islice(remaining, BATCH)):
        await asyncio.gather(*batch)
