import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from gateway.errors import StartError
from gateway.store.embedded import EmbeddedStore, StoreInheritance, running_url
from gateway.store.embedded.lock import FileLock, alive
from gateway.store.embedded.socket_path import LOG, StoreDirectory
from tests.bounds import mostly_within
from tests.store.stage import answers, linked
from tests.store.stage import until as until_async

GATEWAY = """
import sys
from pathlib import Path
from gateway.store.embedded import EmbeddedStore, server
if sys.argv[2] == "untied":
    server.Lifeline.guard = lambda *_: None
print(EmbeddedStore(Path(sys.argv[1])).start(), flush=True)
sys.stdin.read()
"""


def until(condition: Callable[[], bool], within: float = 10) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def ended(state: Path) -> bool:
    """Whether no server runs in `state`. Not asked by process id: the dead may wait long for burial."""
    lock = FileLock(state / "store" / "server.lock")
    free = lock.take()
    lock.close()
    return free


@contextmanager
def client(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url, socket_timeout=5) as found:
        yield found


def server_pid(url: str) -> int:
    with client(url) as found:
        return int(found.info("server")["process_id"])


@contextmanager
def gateway(state: Path, tied: str = "tied") -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Another process that keeps the store in `state`."""
    words = [sys.executable, "-c", GATEWAY, str(state), tied]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().decode().strip()
        finally:
            process.kill()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path / "state")
    yield store
    store.stop()


def test_starts_a_server_that_only_its_owner_can_reach(store: EmbeddedStore, tmp_path: Path) -> None:
    url = store.start()

    with client(url) as found:
        config = found.config_get("*")
        pid = found.info("server")["process_id"]
    socket = tmp_path / "state" / "store" / "valkey.sock"
    assert socket.stat().st_mode & 0o777 == 0o600
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert (config["port"], config["appendonly"], config["appendfsync"], config["save"]) == (
        "0",
        "yes",
        "everysec",
        "",
    )
    assert config["maxmemory-policy"] == "noeviction"
    assert os.getsid(pid) != os.getsid(0)
    assert running_url(tmp_path / "state") == url


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_server_is_not_handed_the_gateways_environment(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_PASSWORD", "hidden")
    pid = server_pid(store.start())

    assert b"hidden" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_ends_the_server_and_leaves_only_data(store: EmbeddedStore, tmp_path: Path) -> None:
    pid = server_pid(store.start())
    store.stop()

    assert not alive(pid)
    left = {path.name for path in (tmp_path / "state" / "store").iterdir()}
    assert left == {"appendonlydir", "server.lock", "valkey.log"}


def test_data_outlives_a_restart_and_a_kill(store: EmbeddedStore, tmp_path: Path) -> None:
    url = store.start()
    with client(url) as found:
        found.set("k", "v", ex=1000)
    store.stop()
    again = store.start()
    with client(again) as found:
        assert found.get("k") == b"v"
        assert found.ttl("k") > 900
        found.set("k", "w")
        os.kill(server_pid(again), signal.SIGKILL)
    until(lambda: not store.ensure())
    until(store.ensure)
    until(lambda: is_up(again))
    with client(again) as found:
        assert found.get("k") == b"w"


def is_up(url: str) -> bool:
    try:
        with client(url) as found:
            return bool(found.ping())
    except redis.RedisError:
        return False


async def test_a_link_heals_within_a_second_of_the_servers_death(store: EmbeddedStore) -> None:
    async with linked(store.start()) as link:

        def healed() -> bool:
            store.ensure()
            return link.connected

        async def seconds_to_heal() -> float:
            os.kill(server_pid(store.url), signal.SIGKILL)
            await until_async(lambda: not link.connected)
            return await until_async(healed)

        await mostly_within(1, seconds_to_heal, good=1, of=4)
        assert await answers(link)


def test_a_second_gateway_is_told_who_has_the_directory(store: EmbeddedStore, tmp_path: Path) -> None:
    url = store.start()
    second = EmbeddedStore(tmp_path / "state")

    with pytest.raises(StartError, match=rf"{tmp_path}/state .*process {os.getpid()}\b"):
        second.start()
    second.stop()

    assert is_up(url)
    assert running_url(tmp_path / "state") == url


def test_waits_for_the_workers_of_a_gateway_that_was_killed(store: EmbeddedStore, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "lock"
    worker = FileLock(path)
    worker.take()
    assert worker.descriptor is not None
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as dead:
        pass
    path.write_text(str(dead.pid))
    words = [sys.executable, "-S", "-c", "import time; time.sleep(0.3)"]
    with subprocess.Popen(words, pass_fds=(worker.descriptor,)):
        worker.close()
        assert is_up(store.start())


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux'")
def test_the_server_ends_when_its_gateway_is_killed(tmp_path: Path) -> None:
    with gateway(tmp_path / "state") as (process, url):
        assert is_up(url)
        assert not ended(tmp_path / "state")
        process.kill()

        until(lambda: ended(tmp_path / "state"))


@pytest.mark.parametrize("state", ["well", "frozen", "unreachable"])
def test_a_server_that_was_left_behind_is_ended_and_its_data_kept(
    store: EmbeddedStore, tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.embedded.server.TIMEOUT", 1.0 if state == "frozen" else 10.0)
    with gateway(tmp_path / "state", "untied") as (process, url):
        with client(url) as found:
            found.set("k", "v")
        pid = server_pid(url)
        process.kill()
        process.wait()
        assert not ended(tmp_path / "state")
    if state == "frozen":
        os.kill(pid, signal.SIGSTOP)
    elif state == "unreachable":
        (tmp_path / "state" / "store" / "valkey.sock").unlink()
    with client(store.start()) as found:
        assert found.get("k") == b"v"
        assert found.info("server")["process_id"] != pid


def test_stale_files_are_no_obstacle_and_strangers_are_left_alone(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    folder = tmp_path / "state" / "store"
    folder.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        for name in ("valkey.pid", "../lock", "server.lock"):
            (folder / name).write_text(str(stranger.pid))
        (folder / "valkey.sock").write_text("not even a socket")
        (folder / "url").write_text("unix:///nowhere")
        url = store.start()

        assert is_up(url)
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_a_worker_that_was_forked_can_not_end_the_server(tmp_path: Path) -> None:
    program = """
import os, sys
from pathlib import Path
from gateway.store.embedded import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
store.start()
worker = os.fork()
if worker == 0:
    store.stop()
    os._exit(0 if store.ensure() else 1)
assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == 0
assert store.ensure()
store.stop()
EmbeddedStore(Path(sys.argv[1])).start()
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "state")], check=True)


@pytest.mark.parametrize("name", ["with a space and 'quotes\"", "x" * 100])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    store = EmbeddedStore(tmp_path / name)
    try:
        assert is_up(store.start())
        assert store.ensure()
    finally:
        store.stop()


def test_a_torn_end_of_the_file_stops_nothing(store: EmbeddedStore, tmp_path: Path) -> None:
    with client(store.start()) as found:
        found.set("k", "v")
    store.stop()
    (aof,) = (tmp_path / "state" / "store" / "appendonlydir").glob("*.incr.aof")
    with aof.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$1\r\nk" + bytes(5000))

    with client(store.start()) as found:
        assert found.get("k") == b"v"


def test_a_server_that_does_not_start_says_why(store: EmbeddedStore, tmp_path: Path) -> None:
    store.start()
    store.stop()
    (aof,) = (tmp_path / "state" / "store" / "appendonlydir").glob("*.incr.aof")
    aof.write_bytes(b"nonsense\r\n")

    with pytest.raises(StartError, match=r"valkey\.log ends:[\s\S]*Bad file format"):
        store.start()
    aof.write_bytes(b"")
    assert is_up(store.start())


def test_a_server_that_keeps_dying_is_not_started_in_a_hurry(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # However long a machine stands still meanwhile.
    monkeypatch.setattr("gateway.store.embedded.embedded_store.RESPAWN_DELAY", 3600.0)
    os.kill(server_pid(store.start()), signal.SIGKILL)
    until(lambda: not store.ensure())
    os.kill(server_pid_when_up(store.url), signal.SIGKILL)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        store.ensure()
        time.sleep(0.01)

    assert caplog.text.count("restarting it") == 1


def server_pid_when_up(url: str) -> int:
    until(lambda: is_up(url))
    return server_pid(url)


def test_a_server_that_hangs_is_killed_and_replaced(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url = store.start()
    assert store._liveness is not None
    store._liveness._timeout = 0.3
    with client(url) as other:
        other.set("kept", "1")
        time.sleep(1.1)  # the file is written every second
    pid = server_pid(url)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr("gateway.store.embedded.embedded_store.RESPAWN_DELAY", 0.0)

    def replaced() -> bool:
        store.ensure()
        return not alive(pid) and is_up(url)

    until(replaced)
    with client(url) as other:
        assert other.get("kept") == b"1"
    assert "does not answer" in caplog.text


def test_a_successor_takes_the_directory_while_the_gateway_still_drains(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    url = store.start()
    with client(url) as other:
        other.set("kept", "1")
    pid = server_pid(url)
    store.hand_over()
    assert store.ensure()
    assert is_up(url), "connections that are drained still need it"
    successor = EmbeddedStore(tmp_path / "state")
    begun = time.monotonic()
    successor.start()
    assert time.monotonic() - begun < 5
    assert server_pid(url) != pid
    assert store.ensure(), "it starts none of its own any more"
    store.stop()
    assert running_url(tmp_path / "state") == url
    with client(url) as other:
        assert other.get("kept") == b"1"
    successor.stop()
    assert ended(tmp_path / "state")


def test_without_a_successor_a_gateway_that_has_handed_over_leaves_only_data(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    store.start()
    store.hand_over()
    store.stop()
    assert ended(tmp_path / "state")


def test_a_full_disk_is_one_line(
    store: EmbeddedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish(_: StoreDirectory) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(StoreDirectory, "publish", publish)
    with pytest.raises(StartError) as failure:
        store.start()
    assert str(failure.value) == f"server.state_dir {tmp_path}/state: No space left on device"


def test_a_server_that_finds_the_disk_full_is_one_line(store: EmbeddedStore, tmp_path: Path) -> None:
    log = tmp_path / "state" / "store" / LOG
    log.parent.mkdir(parents=True)
    log.write_text("one\n# Can't write the AOF: No space left on device\n")
    reason = store._server._start_failure()
    assert "\n" not in reason
    assert "No space left on device" in reason


def passed_on(old: EmbeddedStore) -> StoreInheritance:
    """What another process would get: descriptors of its own."""
    given = old.inheritance
    assert given is not None
    reading, writing = map(os.dup, given.lifeline)
    return replace(given, lock=os.dup(given.lock), lifeline=(reading, writing))


def buried(old: EmbeddedStore) -> None:
    """Waits for what the old one has started, which would end with its process."""
    assert old._server._child is not None
    old._server._child.wait(10)
    assert old._server.lifeline is not None
    assert old._server.lifeline._guard is not None
    old._server.lifeline._guard.wait(10)


@pytest.mark.parametrize("name", ["state", "x" * 100])
def test_in_an_upgrade_the_server_goes_on_and_the_next_gateway_looks_after_it(
    tmp_path: Path, name: str
) -> None:
    state = tmp_path / name
    old, new, failed = (EmbeddedStore(state) for _ in range(3))
    url = old.start()
    pid = server_pid(url)
    failed.use(passed_on(old))
    assert failed.url == url
    failed.stop()
    failed.release_in_worker()
    assert is_up(url), "until it has taken over, it ends nothing"
    new.use(passed_on(old))
    old.give_away()
    new.take_over()
    old.stop()
    assert old.inheritance is None
    assert new.ensure()
    assert server_pid(url) == pid
    with pytest.raises(StartError, match="in use by another gateway"):
        EmbeddedStore(state).start()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not new.ensure())
    until(new.ensure)
    assert server_pid_when_up(url) != pid
    new.stop()
    assert ended(state)
    assert running_url(state) is None
    buried(old)


def test_a_server_that_was_taken_over_and_hangs_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = EmbeddedStore(tmp_path), EmbeddedStore(tmp_path)
    url = old.start()
    new.use(passed_on(old))
    old.give_away()
    new.take_over()
    assert new._liveness is not None
    new._liveness._timeout = 0.3
    pid = server_pid(url)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr("gateway.store.embedded.embedded_store.RESPAWN_DELAY", 0.0)
    until(lambda: not new.ensure())
    assert server_pid_when_up(url) != pid
    new.stop()
    assert ended(tmp_path)
    buried(old)
