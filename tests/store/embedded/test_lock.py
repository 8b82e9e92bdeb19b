import os
import subprocess
import sys
from pathlib import Path

from gateway.store.embedded.lock import FileLock, alive, read_pid


def test_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")

    assert one.take()
    assert not other.take()
    one.release()
    assert other.take()
    other.release()


def test_a_look_takes_nothing_from_anybody(tmp_path: Path) -> None:
    lock, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")

    assert not other.held()
    assert not (tmp_path / "lock").exists()
    lock.take()
    assert other.held()
    lock.release()
    assert not other.held()
    assert lock.take()
    lock.release()


def test_names_who_holds_it(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("an older and longer text")
    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    one.take()
    one.write_holder()

    assert other.holder_pid() == os.getpid()
    one.release()


def test_a_program_that_was_handed_it_holds_it_until_it_ends(tmp_path: Path) -> None:
    lock, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    lock.take()
    assert lock.descriptor is not None
    program = [sys.executable, "-S", "-c", "input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, pass_fds=(lock.descriptor,)) as child:
        lock.close()
        assert not other.take()
        child.communicate(b"\n")

    assert other.take()
    other.release()


def test_reads_only_sound_process_ids(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    assert read_pid(path) is None
    for text in (b"", b"0", b"1", b"-5", b"12 34", b"9" * 30, b"\xff"):
        path.write_bytes(text)
        assert read_pid(path) is None
    path.write_bytes(b" 4711\n")
    assert read_pid(path) == 4711


def test_knows_who_is_alive() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as child:
        pass

    assert alive(os.getpid())
    assert not alive(child.pid)
