"""One gateway for all tests of a file of the standards: the real program, asked over real sockets.

It ends with the file: a gateway that nobody asks takes more CPU time in half a minute than a start.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Valkey
from tests.raw import raw_upstream
from tests.standards.caller import Caller, echo, served, standard_config
from tests.standards.prover import Keys, Prover


@pytest.fixture(scope="session")
def upstream() -> Iterator[str]:
    """A backend that answers every request with the headers that it got."""
    with raw_upstream() as backend:
        backend.reset(echo)
        yield backend.url


def empty(valkey: Valkey, prefix: str) -> dict[str, str]:
    """The store of a gateway, without what another file's has left."""
    with valkey.client as client:
        for key in client.scan_iter(f"{prefix}*", count=1000):
            client.delete(key)
    return {"url": valkey.url, "prefix": prefix}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("standards")
    store = empty(valkey, "standards:")
    with served(standard_config(folder, upstream, store=store), folder) as caller:
        yield caller


@pytest.fixture
def own_gateway(tmp_path: Path, valkey: Valkey, prefix: str, upstream: str) -> Iterator[Caller]:
    """A gateway for one test, with counters and clients of its own."""
    store = {"url": valkey.url, "prefix": prefix}
    with served(standard_config(tmp_path, upstream, store=store), tmp_path) as caller:
        yield caller


@pytest.fixture(scope="module")
def prover(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str) -> Iterator[Prover]:
    """A gateway of two workers whose clients have keys and certificates."""
    folder = tmp_path_factory.mktemp("prover")
    keys = Keys(folder)
    config = keys.config(upstream, empty(valkey, "prover:"))
    with served(config, folder) as caller:
        yield Prover(caller.running, keys)


@pytest.fixture(scope="module")
def nonce_prover(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str) -> Iterator[Prover]:
    """The same, and DPoP proofs must bear a nonce."""
    folder = tmp_path_factory.mktemp("nonces")
    keys = Keys(folder)
    store = empty(valkey, "nonces:")
    with served(keys.config(upstream, store, tokens={"dpop_nonce": True}), folder) as caller:
        yield Prover(caller.running, keys)


@pytest.fixture(autouse=True)
def no_failures_yet(valkey: Valkey) -> None:
    """All tests come from one address: what one has failed at must not shut out or slow down the next."""
    with valkey.client as client:
        for key in client.scan_iter("*:f:*", count=1000):
            client.delete(key)
