"""`python -m benchmarks.scale`: a million live tokens and 100,000 stored clients on a real Valkey, and 20,000 clients
in files. About four minutes, and 2 GiB of memory.

Prints a table of what they take: memory a token, a client and a worker; the time of a start, of `client list`, of
`client revoke-tokens`, and of `check`.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from benchmarks.machine import shape
from benchmarks.scale_commands import Measured, ScaleGateway, measured
from benchmarks.scale_config import UPSTREAM, client_file, file_config, store_config
from benchmarks.scale_store import CLIENT, Filled, ScaleStore, fill
from benchmarks.scale_upstream import use_all, use_one

MIB = 1 << 20
CACHE = 52_000
"""Tokens that a worker is shown, a few more than it caches."""
Rows = Iterator[tuple[str, str]]


def main() -> None:
    """Reads the options, measures, and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--tokens", type=int, default=1_000_000, help="live tokens in the store")
    parser.add_argument("--clients", type=int, default=100_000, help="clients in the store")
    parser.add_argument("--file-clients", type=int, default=20_000, help="clients in files")
    options = parser.parse_args()
    print(f"{datetime.now(UTC).date().isoformat()}, {shape()}\n\n| what | measured |\n|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        for row in chain(
            in_the_store(folder, options.tokens, options.clients), in_files(folder, options.file_clients)
        ):
            print(f"| {row[0]} | {row[1]} |", flush=True)


def in_the_store(folder: Path, tokens: int, clients: int) -> Rows:
    """What many tokens and clients in the store take."""
    with scale_store(folder) as store:
        config = store_config(folder, store.url)
        with ScaleGateway(config):
            pass  # the first gateway of a store looks for records of earlier versions
        filled = asyncio.run(fill(config, store, tokens, clients, CACHE))
        yield from of_the_store(filled, tokens, clients)
        store.forget_slow()
        with ScaleGateway(config) as gateway:
            yield "a start", f"{gateway.seconds:.1f} s ({gateway.cpu:.1f} s of CPU)"
            yield "a worker after its start", f"{gateway.memory():.0f} MiB"
            asyncio.run(use_all(gateway.port, filled.tokens, folder / UPSTREAM))
            yield f"a worker that has seen {len(filled.tokens):,} tokens", f"{gateway.memory():.0f} MiB"
            yield from of_the_commands(config)
            yield from of_a_revocation(config, gateway, filled)
        yield "the longest command at the server meanwhile", f"{store.slowest() * 1000:.0f} ms"


def of_the_store(filled: Filled, tokens: int, clients: int) -> Rows:
    """The memory of the server."""
    yield (
        f"{clients:,} clients",
        f"{filled.client_bytes / MIB:,.0f} MiB, {filled.client_bytes / clients:,.0f} bytes each",
    )
    yield (
        f"{tokens:,} live tokens",
        f"{filled.token_bytes / MIB:,.0f} MiB, {filled.token_bytes / tokens:,.0f} bytes each",
    )


def of_the_commands(config: Path) -> Rows:
    """`client` with very many clients."""
    yield "`client list`, the first page", timed(measured("client", "list", "-c", str(config)))
    after = ("--after", CLIENT.format(5000), "--json", "--limit", "100")
    yield "`client list`, a page in between", timed(measured("client", "list", "-c", str(config), *after))
    yield "`client show`", timed(measured("client", "show", "-c", str(config), CLIENT.format(1)))


def of_a_revocation(config: Path, gateway: ScaleGateway, filled: Filled) -> Rows:
    """All tokens of one client end at once."""
    token = filled.tokens[0]
    assert asyncio.run(use_one(gateway.port, token, config.with_name(UPSTREAM))) == 200, (
        "its client has been told nothing yet"
    )
    done = measured("client", "revoke-tokens", "-c", str(config), CLIENT.format(0))
    yield f"`client revoke-tokens` with {filled.of_first:,} tokens", timed(done)
    begun = time.monotonic()
    while asyncio.run(use_one(gateway.port, token, config.with_name(UPSTREAM))) != 401:
        assert time.monotonic() - begun < 10, "the token is let in for ever"
    late = time.monotonic() - begun
    yield "… until its tokens are refused, after the command's end", f"{late * 1000:.0f} ms"


def in_files(folder: Path, clients: int) -> Rows:
    """What many clients in files take."""
    with scale_store(folder) as store:
        config = file_config(folder, store.url)
        client_file(folder / "clients.yaml", clients)
        yield f"`check` of {clients:,} clients in files", timed(measured("check", "-c", str(config)))
        for words in ("the first start with them", "a later start"):
            with ScaleGateway(config) as gateway:
                yield (
                    words,
                    f"{gateway.seconds:.1f} s ({gateway.cpu:.1f} s of CPU), {gateway.memory():.0f} MiB",
                )


def timed(found: Measured) -> str:
    """A command's figures."""
    return f"{found.seconds:.2f} s ({found.cpu:.2f} s of CPU), {found.peak / MIB:.0f} MiB"


@contextmanager
def scale_store(folder: Path) -> Iterator[ScaleStore]:
    """A server that is gone in the end."""
    store = ScaleStore(folder)
    try:
        yield store
    finally:
        store.stop()


if __name__ == "__main__":
    main()
