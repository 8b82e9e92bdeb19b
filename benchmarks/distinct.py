"""Requests of which each can be sent once, one after the other on each connection: `python -m benchmarks.distinct TASK`.

They are made just before: what is signed is good for a minute. (wrk's Lua can't hold them: LuaJIT takes a few bytes
of a string for its hash, so thousands of requests that differ elsewhere are compared with each other.)
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.answers import judged
from benchmarks.driven import Window, finish, program, say_ready
from benchmarks.exchanges import connected, repeated
from benchmarks.load import Load, Outcome

MOST_A_SECOND = 12_000
"""Requests that nobody exceeds if each needs a signature checked."""


def run(load: Load, seconds: float, window: Window) -> Outcome:
    """Makes enough of them, and sends them."""
    assert load.made is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requests"
        file.write_text(json.dumps([load.made() for _ in range(math.ceil(seconds * MOST_A_SECOND))]))
        return program("distinct", requests=str(file))(load, seconds, window)


class Asking:
    """A connection; all of them take their requests from the same ones."""

    def __init__(self, url: str, requests: Iterator[bytes]) -> None:
        self.socket = connected(url)
        self._requests = requests

    def begin(self) -> bool:
        """Sends the next request; False: at their end."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._received = b""
        self.socket.sendall(request)
        return True

    def go_on(self) -> str | None:
        """Reads; what was wrong, or nothing; None while the answer is not there."""
        data = self.socket.recv(65_536)
        self._received += data
        if not data:
            return "read"
        return judged(self._received)


def main(text: str) -> None:
    """Does what the task says."""
    task = json.loads(text)
    requests = iter([each.encode() for each in json.loads(Path(task["requests"]).read_text())])
    asking = [Asking(task["url"], requests) for _ in range(task["connections"])]
    say_ready()
    finish(repeated(asking, task["seconds"]))


if __name__ == "__main__":
    main(sys.argv[1])
