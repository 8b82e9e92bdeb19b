"""What workers say reaches their supervisor, whole and in order."""

import os
import select
from collections.abc import Iterator

import pytest

from gateway.process.board import Board, Word


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board()
    yield made
    made.close()


def test_words_come_in_order(board: Board) -> None:
    board.post(Word(1))
    board.post(Word(2, 'no store: "x"\nat all'))
    assert board.read() == [Word(1), Word(2, 'no store: "x"\nat all')]
    assert board.read() == []


def test_a_worker_in_another_process_is_heard(board: Board) -> None:
    if os.fork() == 0:
        board.post(Word(7))
        os._exit(0)
    os.wait()
    assert board.read() == [Word(7)]


def test_a_long_reason_is_cut_so_that_it_is_written_at_once(board: Board) -> None:
    board.post(Word(1, "\x00" * 100_000))
    (word,) = board.read()
    assert word.failure is not None
    assert len(word.failure) * len("\\u0000") < select.PIPE_BUF


def test_half_a_word_waits_for_its_other_half(board: Board) -> None:
    os.write(board._writer, b'{"age": 1, "fail')
    assert board.read() == []
    os.write(board._writer, b'ure": null}\n')
    assert board.read() == [Word(1)]
