"""The pipe on which workers tell their supervisor whether they serve."""

from __future__ import annotations

import json
import os
import select
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """What one worker says, once."""

    age: int
    """The worker's number."""
    failure: str | None = None
    """Why it can't serve; None where it does."""


class Board:
    """Made before the workers are forked; they write, the supervisor reads."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._rest = b""

    def post(self, word: Word) -> None:
        """Called in a worker. One write, so that words do not mix; a long reason is cut to fit."""
        failure = word.failure if word.failure is None else word.failure[: select.PIPE_BUF // 16]
        os.write(self._writer, json.dumps(asdict(Word(word.age, failure))).encode() + b"\n")

    def read(self) -> list[Word]:
        """Called in the supervisor: what was said since the last time."""
        try:
            while piece := os.read(self._reader, 65536):
                self._rest += piece
        except BlockingIOError:
            pass
        *lines, self._rest = self._rest.split(b"\n")
        return [Word(**json.loads(line)) for line in lines]

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)
