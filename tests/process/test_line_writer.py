"""Log lines never block: a reader that stops costs lines, not requests."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from gateway.process import line_writer
from gateway.process.line_writer import LINE_LIMIT, LineWriter, split_line
from tests.running import GATEWAY, ROOT


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_lines_come_out_in_their_order(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1])
    writer.write([b"one\n", b"two\n"])
    writer.write([b"three\n"])
    assert os.read(pipe[0], 100) == b"one\ntwo\nthree\n"
    assert not writer.pending


def test_a_stopped_reader_costs_the_oldest_lines_and_they_are_counted(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_writer, "MAX_BUFFERED", 10_000)
    writer = LineWriter(pipe[1])
    for _ in range(200):
        writer.write([b"x" * 999 + b"\n"])
    assert writer.pending
    in_the_pipe = os.read(pipe[0], 1 << 20).count(b"\n")
    writer.flush()
    assert in_the_pipe + os.read(pipe[0], 1 << 20).count(b"\n") + writer.dropped_lines == 200
    assert writer.dropped_lines > 100


def test_lines_of_several_threads_stay_whole(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1])
    lines = [b"%d" % number * 50 + b"\n" for number in range(8)]
    threads = [threading.Thread(target=lambda line=line: writer.write([line] * 20)) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(os.read(pipe[0], 1 << 16).splitlines(keepends=True)) == sorted(lines * 20)


async def test_what_waits_is_offered_again(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_writer, "RETRY_DELAY", 0.01)
    writer = LineWriter(pipe[1])
    writer.write([b"x" * 4095 + b"\n"] * 20)
    assert writer.pending
    async with asyncio.timeout(20):
        while writer.pending:
            os.read(pipe[0], 1 << 16)
            await asyncio.sleep(0.01)


def test_the_end_of_the_process_waits_for_a_reader_but_not_for_long(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_writer, "EXIT_TIMEOUT", 0.05)
    writer = LineWriter(pipe[1])
    writer.write([b"x" * 4095 + b"\n"] * 20)
    writer.finish()
    assert writer.pending


def test_a_long_line_is_cut_into_pieces_that_one_write_takes() -> None:
    line = b"y" * (LINE_LIMIT + 1) + b"\n"
    assert [len(piece) for piece in split_line(line, LINE_LIMIT)] == [LINE_LIMIT, 2]
    assert b"".join(split_line(line, LINE_LIMIT)) == line


async def test_a_gateway_whose_log_nobody_reads_goes_on_answering(tmp_path: Path) -> None:
    """Each request logs a warning, many times what the pipe to the reader of the log holds."""
    config = {
        "server": {"listen": [{"host": "127.0.0.1", "port": 0}], "state_dir": str(tmp_path)},
        "management": False,
        "store": {"url": "redis://127.0.0.1:1"},
        "clients": [{"id": "shop", "secrets": ["a-secret-of-the-shop"]}],
    }
    file = tmp_path / "gateway.yaml"
    file.write_text(yaml.safe_dump(config))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *GATEWAY, str(file)),
        env={**os.environ, "PYTHONPATH": ROOT},
        stderr=asyncio.subprocess.PIPE,
        limit=1024,
    )
    try:
        assert process.stderr is not None
        ready = ""
        while "ready on" not in ready:
            ready = (await process.stderr.readline()).decode()
        url = next(word for word in ready.split() if word.startswith("http://")).rstrip(",")
        async with aiohttp.ClientSession() as session:
            form = {"grant_type": "client_credentials", "client_id": "shop", "client_secret": "a-secret"}
            for _ in range(1500):
                async with asyncio.timeout(10), session.post(f"{url}/token", data=form) as response:
                    assert response.status == 503
    finally:
        process.kill()
        await process.communicate()
