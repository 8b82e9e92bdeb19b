"""One gateway for all tests of the standards: the real program, asked over real sockets."""

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


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("standards")
    store = {"url": valkey.url, "prefix": "standards:"}
    with served(standard_config(folder, upstream, store=store), folder) as caller:
        yield caller


@pytest.fixture
def own_gateway(tmp_path: Path, valkey: Valkey, prefix: str, upstream: str) -> Iterator[Caller]:
    """A gateway for one test, with counters and clients of its own."""
    store = {"url": valkey.url, "prefix": prefix}
    with served(standard_config(tmp_path, upstream, store=store), tmp_path) as caller:
        yield caller


@pytest.fixture(scope="session")
def prover(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str) -> Iterator[Prover]:
    """A gateway of two workers whose clients have keys and certificates."""
    folder = tmp_path_factory.mktemp("prover")
    keys = Keys(folder)
    config = keys.config(upstream, {"url": valkey.url, "prefix": "prover:"})
    with served(config, folder) as caller:
        yield Prover(caller.running, keys)


@pytest.fixture(scope="session")
def nonce_prover(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str) -> Iterator[Prover]:
    """The same, and DPoP proofs must bear a nonce."""
    folder = tmp_path_factory.mktemp("nonces")
    keys = Keys(folder)
    store = {"url": valkey.url, "prefix": "nonces:"}
    with served(keys.config(upstream, store, tokens={"dpop_nonce": True}), folder) as caller:
        yield Prover(caller.running, keys)


@pytest.fixture(autouse=True)
def no_failures_yet(valkey: Valkey) -> None:
    """All tests come from one address: what one has failed at must not shut out the next."""
    with valkey.client as client:
        for key in client.scan_iter("prover:f:*", count=1000):
            client.delete(key)
