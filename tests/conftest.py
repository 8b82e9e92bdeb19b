"""Fixtures for the whole suite: real Valkey servers."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest
import redis

from gateway.runtime.edition import is_compiled
from gateway.store import Store
from gateway.store.embedded.binary import find_binary
from tests.compiled import DEPRECATED_THROW, why_not
from tests.nodes import ONCE_MORE
from tests.record_keys import MAC
from tests.topologies import ClusterSet, cluster_set

TESTS = Path(__file__).parent

if sys.dont_write_bytecode:
    # Without bytecode each of the hundreds of gateways that are started here would compile every module.
    BYTECODE = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    sys.dont_write_bytecode, sys.pycache_prefix = False, BYTECODE
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = BYTECODE

# Timings of single examples are meaningless on a loaded machine, and so is how long they take to be made.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")

WAITING = ("faults", "process", "e2e", "caches", "edge", "exactness", "store", "web")
"""Folders whose tests mostly wait, for processes and for time limits. The longest are first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mixes files whose tests wait with files whose tests compute, so that no core is idle meanwhile.

    Those that compute are spread over the whole run, the others over most of it: at its end come short files,
    so that no process is busy much longer than the rest. A file's tests stay together, in their order.
    """
    for item in items:
        if is_compiled():
            item.add_marker(pytest.mark.filterwarnings(DEPRECATED_THROW))
        if (reason := why_not(item.nodeid.partition("[")[0])) is not None:
            item.add_marker(pytest.mark.skip(reason=reason))
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    folders = {path: path.relative_to(TESTS).parts[0] for path in files}
    waiting = sorted(
        (path for path in files if folders[path] in WAITING), key=lambda path: WAITING.index(folders[path])
    )
    computing = [path for path in files if folders[path] not in WAITING]
    places = {
        path: share * place / len(kind)
        for share, kind in ((0.9, waiting), (1.0, computing))
        for place, path in enumerate(kind)
    }
    items[:] = [item for path in sorted(files, key=places.__getitem__) for item in files[path]]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spares the garbage collector thousands of tests: what is made now stays until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Lets the garbage collector pass over the thousands of tests, which stay until the end."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, object, object]:
    """Keeps the garbage collector out while a failure is shown. Garbage that complains would have its own
    traceback shown in the midst of it, and Python 3.11 can't parse a source while it parses another: that
    ends the whole run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


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
        """A client for inspecting and manipulating the server."""
        return redis.Redis(unix_socket_path=str(self.path), socket_timeout=5, retry=ONCE_MORE)

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
    """A server shared by all tests that don't disrupt it; each uses its own `prefix`."""
    server = Valkey()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    """A server for a single test, which may stop, freeze or kill it."""
    server = Valkey()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def quiet_cluster() -> Iterator[ClusterSet]:
    """Three masters and a replica of the first, shared by all tests that don't disrupt them."""
    with cluster_set(replicas=1) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    """A key prefix unique to the test."""
    return f"test-{uuid4().hex[:12]}:"


@pytest.fixture(params=["opaque", "jwt"])
def both_formats(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test once with opaque tokens and once with JWTs."""
    monkeypatch.setattr("tests.services.DEFAULT_FORMAT", request.param)
    return str(request.param)


@pytest.fixture
async def store(valkey: Valkey, prefix: str) -> AsyncIterator[Store]:
    """A store with a unique key prefix."""
    opened = Store(valkey.url, prefix, mac=MAC)
    await opened.start()
    yield opened
    await opened.stop()
