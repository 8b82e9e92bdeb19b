import asyncio
from random import Random

import pytest

import benchmarks.paced
from benchmarks.paced import Pace, complete, outcome

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


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


async def serve(answers: list[bytes]) -> asyncio.Server:
    """Answers each request with the next of these; the last one again and again."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answers.pop(0) if len(answers) > 1 else answers[0])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(talk, "127.0.0.1", 0)


async def paced(answers: list[bytes]) -> Pace:
    server = await serve(answers)
    port = server.sockets[0].getsockname()[1]

    def ask() -> Pace:
        with Pace(("127.0.0.1", port), REQUEST, 4, 200) as pace:
            pace.run(200, 0.5, Random(1))
        return pace

    async with server:
        pace = await asyncio.to_thread(ask)
        # The server sees that the last connections have ended.
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
    return pace


async def test_as_many_are_asked_as_are_due_however_long_it_takes() -> None:
    pace = await paced([ANSWER])
    due, chance = 0.0, Random(1)
    wanted = -1
    while due < 0.5:
        due, wanted = due + chance.expovariate(200), wanted + 1
    assert len(pace.latencies) == wanted
    assert pace.wrong == {}


async def test_another_status_is_wrong() -> None:
    pace = await paced([ANSWER.replace(b"200", b"503"), ANSWER])
    assert pace.wrong == {"status": 1}


async def test_requests_that_are_never_answered_count_with_the_time_that_they_have_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(benchmarks.paced, "PATIENCE", 0.1)
    pace = await paced([ANSWER[:-1]])
    assert pace.wrong["time-out"] == len(pace.latencies) > 4
    assert max(pace.latencies) > 0.5


def test_the_999th_thousandth_is_told_of_requests_with_a_time_at_which_they_were_due() -> None:
    latencies = [number / 1000 for number in range(1000)]
    assert outcome(latencies, 1, {}, since_due=True).p999 == 0.999
    assert outcome(latencies, 1, {}).p999 is None


async def test_a_connection_whose_end_is_announced_is_not_used_again() -> None:
    pace = await paced([ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")])
    assert pace.wrong == {}
    assert pace.latencies
