"""The access log: whole lines, no secrets, and no request that waits for its reader."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway.process import line_writer
from gateway.process.access_log import MAX_BUFFERED, AccessLog
from gateway.process.access_log_format import LINES
from gateway.process.line_writer import BLOCK, LINE_LIMIT, LineWriter
from gateway.process.logs import Format
from gateway.telemetry.access_entry import Entry

T = TypeVar("T")
NOW = 1_800_000_000.25
EVIL = "a\r\nFAKE\x1b[31m"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def log_to(writer: int, style: Format = "json", *, every: float = 60) -> AccessLog:
    return AccessLog(LineWriter(writer), style, lambda: NOW, every=every)


def write(log: AccessLog, **changes: Any) -> None:
    entry: dict[str, Any] = {
        "address": "192.0.2.7",
        "method": "GET",
        "path": b"/orders/1",
        "status": 200,
        "size": 120,
        "seconds": 0.0042,
        "route": "/orders",
        "client": "demo",
        "request_id": "r-1",
    }
    log.write(tuple((entry | changes).values()))  # type: ignore[arg-type]  # in the order of an Entry


def read(reader: int) -> bytes:
    content = b""
    while True:
        try:
            piece = os.read(reader, 65536)
        except BlockingIOError:
            return content
        if not piece:
            return content
        content += piece


async def until(ready: Callable[[], T]) -> T:
    async with asyncio.timeout(20):
        while not (result := ready()):  # noqa: ASYNC110 (a pipe sets no event)
            await asyncio.sleep(0.005)
        return result


async def test_a_json_line_holds_what_happened(pipe: tuple[int, int]) -> None:
    log = log_to(pipe[1])
    write(log)
    log.flush()
    assert json.loads(read(pipe[0])) == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "info",
        "logger": "access",
        "address": "192.0.2.7",
        "method": "GET",
        "path": "/orders/1",
        "status": 200,
        "bytes": 120,
        "seconds": 0.0042,
        "route": "/orders",
        "client": "demo",
        "request_id": "r-1",
    }


async def test_each_line_has_the_millisecond_of_its_request(pipe: tuple[int, int]) -> None:
    # The same one again, the next, the next second, and a clock that is set back and far ahead.
    after = {0.0: "00:00.250", 0.0002: "00:00.250", 0.0011: "00:00.251", 0.7499: "00:00.999"}
    after |= {0.75: "00:01.000", 1.75: "00:02.000", 1.25: "00:01.500", -0.25: "00:00.000", 61.0: "01:01.250"}
    clock = iter([NOW + seconds for seconds in after])
    log = AccessLog(LineWriter(pipe[1]), "json", lambda: next(clock), every=60)
    for _ in after:
        write(log)
    log.flush()
    times = [json.loads(line)["time"] for line in read(pipe[0]).splitlines()]
    assert times == [f"2027-01-15T08:{time}Z" for time in after.values()]


async def test_a_text_line_can_be_read_by_a_person(pipe: tuple[int, int]) -> None:
    log = log_to(pipe[1], "text")
    write(log)
    log.flush()
    assert read(pipe[0]) == (
        b"2027-01-15T08:00:00.250Z info access: 192.0.2.7 GET /orders/1 200 120 0.004200 "
        b"route=/orders client=demo request_id=r-1\n"
    )


@pytest.mark.parametrize("style", ["json", "text"])
async def test_no_value_can_split_a_line_or_colour_a_terminal(pipe: tuple[int, int], style: Format) -> None:
    log = log_to(pipe[1], style)
    write(log, method=EVIL, path=EVIL.encode() + b"\xff\x85", route=EVIL, client=EVIL, request_id=EVIL)
    log.flush()
    text = read(pipe[0]).decode()
    assert text.endswith("\n")
    assert text[:-1].isprintable()


@pytest.mark.parametrize("style", ["json", "text"])
async def test_an_endless_path_is_cut_so_that_the_line_stays_whole(
    pipe: tuple[int, int], style: Format
) -> None:
    log = log_to(pipe[1], style)
    write(log, path=b"\xff" * 8000, request_id="r" * 8000)
    log.flush()
    line = read(pipe[0])
    assert line.count(b"\n") == 1
    assert len(line) <= LINE_LIMIT
    assert b"..." in line


async def test_lines_wait_for_the_clock(pipe: tuple[int, int]) -> None:
    log = log_to(pipe[1], every=0.02)
    write(log)
    write(log)
    assert read(pipe[0]) == b"", "a write for each request would cost too much"
    content = await until(lambda: read(pipe[0]))
    assert content.count(b"\n") == 2


async def test_many_lines_go_out_at_once(pipe: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    with path.open("wb") as file:
        log = log_to(file.fileno())
        while not path.stat().st_size:
            write(log)
    lines = path.read_text().splitlines()
    assert len(lines) == MAX_BUFFERED
    assert all(json.loads(line) for line in lines)


async def test_no_request_waits_until_many_lines_are_formatted(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    formatted: list[Entry] = []

    def line(_: str, entry: Entry) -> bytes:
        formatted.append(entry)
        return b"{}\n"

    monkeypatch.setitem(LINES, "json", line)
    log = log_to(pipe[1])
    most = 0
    while not read(pipe[0]):
        before = len(formatted)
        write(log)
        most = max(most, len(formatted) - before)
    assert len(formatted) == MAX_BUFFERED
    assert most <= 8


async def test_a_reader_that_does_not_read_stops_nobody(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_writer, "MAX_BUFFERED", 2 * BLOCK)
    log = log_to(pipe[1])
    count = 5000
    for number in range(count):
        write(log, request_id=f"r-{number}")
    log.flush()
    assert log._writer.dropped_lines > 0

    content = b""
    while piece := read(pipe[0]):
        content += piece
        log.flush()

    lines = [json.loads(line) for line in content.splitlines()]
    assert len(lines) == count - log._writer.dropped_lines, (
        "each line came whole, or not at all and was counted"
    )
    assert lines[-1]["request_id"] == f"r-{count - 1}", "the newest lines are those that are kept"


async def test_lines_that_wait_for_a_slow_reader_go_out_when_it_reads(pipe: tuple[int, int]) -> None:
    log = log_to(pipe[1], every=0.02)
    for number in range(1000):  # far more than a pipe holds
        write(log, request_id=f"r-{number}")
    received = bytearray()

    def read_on() -> bool:
        received.extend(read(pipe[0]))
        return b"r-999" in received

    await until(read_on)
    assert received.count(b"\n") == 1000
    assert log._writer.dropped_lines == 0


async def test_a_reader_that_is_gone_costs_the_lines_and_nothing_else() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    log = log_to(writer)
    write(log)
    log.flush()
    os.close(writer)
    assert log._writer.dropped_lines == 1
