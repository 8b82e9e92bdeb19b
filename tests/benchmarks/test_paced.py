"""The open-loop load, against servers that answer as it is told here."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

import benchmarks.paced
from benchmarks.answers import complete
from benchmarks.load import Load, Outcome, outcome
from benchmarks.paced import BROKEN, NEVER, Note, Played, at_random, play, run_paced

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSING = ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
SOON = [number / 100 for number in range(1, 11)]
PATIENCE = 1.5
"""Seconds until the load gives up. A machine that has other things to do is quiet for less."""
PAUSE = 2.0
"""Seconds that a server takes to accept."""

compiled = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


@pytest.fixture(autouse=True)
def any_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks.paced, "LOAD_CORE", "0-1023")


@pytest.mark.parametrize(
    ("answer", "there"),
    [
        (ANSWER, True),
        (ANSWER[:-1], False),
        (ANSWER[:20], False),
        (b"HTTP/1.1 401 Unauthorized\r\ncontent-length:0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nX-Content-Length: 0\r\n\r\n", False),
    ],
)
def test_an_answer_is_there_when_all_of_its_body_is(answer: bytes, there: bool) -> None:
    assert complete(answer) is there


def test_percentiles_are_of_all_answers() -> None:
    made = outcome([number / 100 for number in range(100)], 2, {"status": 1})
    assert (made.requests, made.rate, made.p50, made.p99) == (100, 50, 0.5, 0.99)
    assert made.wrong == {"status": 1}


def test_the_slowest_is_known_where_each_is_measured_since_it_was_due() -> None:
    assert outcome([0.1, 0.3, 0.2], 2, {}, since_due=True).worst == 0.3
    assert outcome([0.1, 0.3, 0.2], 2, {}).worst is None


def test_without_an_answer_there_is_no_percentile() -> None:
    with pytest.raises(RuntimeError, match="not one answer"):
        outcome([], 2, {})


def test_the_999th_thousandth_is_told_of_requests_with_a_time_at_which_they_were_due() -> None:
    latencies = [number / 1000 for number in range(1000)]
    assert outcome(latencies, 1, {}, since_due=True).p999 == 0.999
    assert outcome(latencies, 1, {}).p999 is None


def test_requests_at_random_come_as_often_as_they_should_and_in_order() -> None:
    times = at_random(1000, 10, Random(1))
    assert times == sorted(times)
    assert 0 < times[0] < times[-1] < 10
    assert len(times) == pytest.approx(10_000, rel=0.05)


def test_a_latency_begins_when_a_request_was_due_and_lateness_when_it_could_be_sent() -> None:
    note = Note(due=1.0, could=1.5, sent=1.625, answered=2.0, status=200)
    assert (note.took, note.late) == (1.0, 0.125)


def test_what_went_wrong_is_counted_by_its_kind() -> None:
    notes = [Note(0, 0, 0, 1, status) for status in (200, 503, 503, BROKEN, NEVER)]
    assert Played(notes, 1).wrong(200) == {"status": 2, "read": 1, "time-out": 1, "unasked": 1}
    assert Played(notes[:1], 0).wrong(200) == {}
    assert Played(notes[:1], 0).wrong(401) == {"status": 1}


class Server:
    """Answers each request with the next of these pieces, the last one again and again; None closes.

    Before the load begins, each connection is used once: `first` is the answer to that.
    """

    def __init__(
        self,
        answers: Sequence[Sequence[bytes] | None],
        delay: float = 0.0,
        first: Sequence[bytes] = (ANSWER,),
    ) -> None:
        self._answers, self._delay, self._first = list(answers), delay, first
        self._unused = 0
        self.connections = 0
        self.asked: list[bytes] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.asked.append(head)
                answer = self._next()
                await asyncio.sleep(self._delay)
                if answer is None:
                    return
                for piece in answer:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _next(self) -> Sequence[bytes] | None:
        if self._unused:
            self._unused -= 1
            return self._first
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def played(
        self, times: Sequence[float], connections: int = 4, patience: float = 5.0, window: Any = None
    ) -> Sequence[Note]:
        self._unused = connections
        async with await asyncio.start_server(self.talk, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            found = await asyncio.to_thread(play, port, REQUEST, connections, times, patience, window=window)
            await self._ended()
        assert found.unasked == 0
        return found.notes

    async def loaded(self, load: Load, seconds: float, rate: float) -> Outcome:
        self._unused = load.connections
        async with await asyncio.start_server(self.talk, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            done = await asyncio.to_thread(run_paced, _at(load, port), seconds, rate)
            await self._ended()
        return done

    async def _ended(self) -> None:
        """The server sees that the last connections have ended."""
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


def _at(load: Load, port: int) -> Load:
    return Load(load.url.replace(":0", f":{port}"), load.headers, connections=load.connections)


@compiled
async def test_each_request_is_sent_at_its_time_and_not_before() -> None:
    server = Server([[ANSWER]])
    notes = await server.played(SOON)
    assert [note.due for note in notes] == SOON
    assert [note.status for note in notes] == [200] * len(SOON)
    assert all(note.due <= note.sent + 1e-6 <= note.answered for note in notes)
    assert server.asked == [REQUEST] * (4 + len(SOON))
    assert server.connections == 4


@compiled
async def test_what_is_done_before_and_after_the_load_is_outside_its_window() -> None:
    server = Server([[ANSWER]])
    asked: list[int] = []
    window = SimpleNamespace(
        begin=lambda: asked.append(len(server.asked)), end=lambda: asked.append(len(server.asked))
    )
    await server.played(SOON, window=window)
    assert asked[0] >= 4
    assert asked == [asked[0], 4 + len(SOON)]


@compiled
async def test_an_answer_may_come_in_pieces() -> None:
    big = b"HTTP/1.1 200 OK\r\ncontent-length:300000\r\n\r\n" + b"x" * 300_000
    server = Server([[ANSWER[:9], ANSWER[9:30], ANSWER[30:-1], ANSWER[-1:]], [big], [ANSWER]])
    assert [note.status for note in await server.played(SOON, 1)] == [200] * len(SOON)
    assert server.connections == 1


@compiled
async def test_who_waits_for_a_connection_has_waited_since_the_request_was_due() -> None:
    notes = await Server([[ANSWER]], delay=0.1).played([0.01, 0.02, 0.03], connections=1)
    assert [note.took for note in notes] == sorted(note.took for note in notes)
    assert notes[2].took > 0.25
    # The server kept it back, not the load.
    assert notes[2].could == notes[1].answered


@compiled
async def test_another_status_is_told() -> None:
    notes = await Server([[ANSWER.replace(b"200", b"503")], [ANSWER]]).played(SOON)
    assert [note.status for note in notes] == [503] + [200] * (len(SOON) - 1)


@compiled
async def test_a_request_on_a_connection_that_breaks_is_told_and_the_next_has_a_new_connection() -> None:
    server = Server([None, [ANSWER]])
    notes = await server.played(SOON, 1)
    assert [note.status for note in notes] == [BROKEN] + [200] * (len(SOON) - 1)
    assert server.connections == 2


@compiled
async def test_requests_that_are_never_answered_count_with_the_time_that_they_have_waited() -> None:
    notes = await Server([[ANSWER[:-1]]]).played(SOON, 4, patience=PATIENCE)
    assert [note.status for note in notes] == [NEVER] * len(SOON)
    assert [note.took for note in notes] == pytest.approx([SOON[-1] + PATIENCE - due for due in SOON])


@compiled
async def test_an_answer_without_a_length_never_ends() -> None:
    endless = ANSWER.replace(b"Content-Length", b"X-Length")
    notes = await Server([[endless]]).played([0.01], 1, patience=PATIENCE)
    assert [note.status for note in notes] == [NEVER]


@compiled
async def test_a_connection_whose_end_is_announced_is_not_used_again() -> None:
    server = Server([[CLOSING]])
    assert [note.status for note in await server.played(SOON, 1)] == [200] * len(SOON)
    # A new one is open at the end.
    assert server.connections == len(SOON) + 1


@compiled
async def test_who_does_not_answer_at_all_is_no_server_to_load() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        await Server([[ANSWER]], first=[ANSWER[:-1]]).played(SOON, patience=0.1)


@compiled
async def test_what_a_new_connection_costs_does_not_count() -> None:
    server = Server([[ANSWER]])

    async def slow_to_accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(PAUSE)
        await Server.talk(server, reader, writer)

    server.talk = slow_to_accept  # type: ignore[method-assign]  # stands before it
    assert max(note.took for note in await server.played(SOON)) < PAUSE


@compiled
async def test_a_load_tells_the_latencies_and_how_late_it_was_itself() -> None:
    server = Server([[ANSWER.replace(b"200", b"401")], [ANSWER]], delay=0.02)
    done = await server.loaded(Load("http://127.0.0.1:0/small", ("X-A: b",), connections=8), 0.5, 100)
    wanted = at_random(100, 0.5, Random(7))
    assert (done.requests, done.wrong) == (len(wanted), {"status": 1})
    assert done.p50 > 0.02
    assert done.worst is not None
    assert done.p999 is not None
    assert done.p50 <= done.p99 <= done.p999 <= done.worst
    assert done.late is not None
    assert done.late_most is not None
    assert 0 <= done.late <= done.late_most
    assert server.asked[0].startswith(b"GET /small HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-A: b\r\n" in server.asked[0]
