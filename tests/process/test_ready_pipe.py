"""What workers say reaches their supervisor, whole and in order."""

import os
import select
from collections.abc import Iterator

import pytest

from gateway.process.ready_pipe import ReadyPipe, WorkerStatus


@pytest.fixture
def ready_pipe() -> Iterator[ReadyPipe]:
    made = ReadyPipe()
    yield made
    made.close()


def test_words_come_in_order(ready_pipe: ReadyPipe) -> None:
    ready_pipe.post(WorkerStatus(1))
    ready_pipe.post(WorkerStatus(2, 'no store: "x"\nat all'))
    assert ready_pipe.read() == [WorkerStatus(1), WorkerStatus(2, 'no store: "x"\nat all')]
    assert ready_pipe.read() == []


def test_a_worker_in_another_process_is_heard(ready_pipe: ReadyPipe) -> None:
    if os.fork() == 0:
        ready_pipe.post(WorkerStatus(7))
        os._exit(0)
    os.wait()
    assert ready_pipe.read() == [WorkerStatus(7)]


def test_a_long_reason_is_cut_so_that_it_is_written_at_once(ready_pipe: ReadyPipe) -> None:
    ready_pipe.post(WorkerStatus(1, "\x00" * 100_000))
    (word,) = ready_pipe.read()
    assert word.failure is not None
    assert len(word.failure) * len("\\u0000") < select.PIPE_BUF


def test_half_a_word_waits_for_its_other_half(ready_pipe: ReadyPipe) -> None:
    os.write(ready_pipe._writer, b'{"age": 1, "fail')
    assert ready_pipe.read() == []
    os.write(ready_pipe._writer, b'ure": null}\n')
    assert ready_pipe.read() == [WorkerStatus(1)]
