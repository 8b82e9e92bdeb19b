"""What a process uses."""

import os

from gateway.telemetry.process_usage import process_usage


def test_a_process_knows_its_memory_time_and_files() -> None:
    before = process_usage()
    assert before["pid"] == os.getpid()
    assert before["memory_bytes"] > 5_000_000
    assert before["cpu_seconds"] > 0
    descriptor = os.open(os.devnull, os.O_RDONLY)
    try:
        assert process_usage()["open_files"] == before["open_files"] + 1
    finally:
        os.close(descriptor)
    assert before["max_open_files"] >= before["open_files"]
