from pathlib import Path

import pytest

from gateway.store.embedded.aof_repair import truncate_zeros

COMMAND = b"*2\r\n$4\r\nINCR\r\n$1\r\n\0\r\n"


@pytest.mark.parametrize("zeros", [0, 1, 4096, 200_000])
@pytest.mark.parametrize("half", [b"", b"*2\r\n$4\r\nIN"])
def test_cuts_zeros_off_the_end_and_nothing_else(tmp_path: Path, zeros: int, half: bytes) -> None:
    path = tmp_path / "appendonly.aof.3.incr.aof"
    path.write_bytes(COMMAND * 3 + half + bytes(zeros))
    base = tmp_path / "appendonly.aof.3.base.rdb"
    base.write_bytes(b"VALKEY" + bytes(8))

    truncate_zeros(tmp_path)

    assert path.read_bytes() == COMMAND * 3 + half
    assert base.read_bytes() == b"VALKEY" + bytes(8)


def test_a_file_of_nothing_else_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.incr.aof"
    path.write_bytes(bytes(100_000))

    truncate_zeros(tmp_path)

    assert path.read_bytes() == b""


def test_a_directory_that_is_not_there_yet_is_no_error(tmp_path: Path) -> None:
    truncate_zeros(tmp_path / "none")
