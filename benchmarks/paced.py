"""Requests at given times, whatever becomes of those before: `pace.c`, on the load's core.

They come at random (a Poisson process; each contender gets the same one), and a latency begins when its request was
due. So an answer that is late makes those behind it late, too: a load that waits for answers would not see it. How
late the load was itself is told beside: that is nothing that a contender did.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.driven import Window
from benchmarks.load import LOAD_CORE, Load, Outcome, outcome, share

PATIENCE = 5.0
"""Seconds for the last answers."""
BROKEN, NEVER = 0, -1
"""In place of a status: the connection broke; nothing came in time."""
_NANO = 1e9
_NUMBER = 8
"""Bytes."""


class Note(NamedTuple):
    """What came of a request. Times are seconds since the begin."""

    due: float
    could: float
    """When it was due and a connection was free."""
    sent: float
    answered: float
    """When the answer was there. What never came has waited until the end."""
    status: int

    @property
    def took(self) -> float:
        """Since it was due."""
        return self.answered - self.due

    @property
    def late(self) -> float:
        """How long the load itself kept it back."""
        return self.sent - self.could


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a load."""

    notes: Sequence[Note]
    unasked: int
    """Connections that ended, or were spoken to, while no request was under way."""

    def wrong(self, wanted: int) -> dict[str, int]:
        """By kind."""
        kinds = Counter(_kind(note.status, wanted) for note in self.notes) | Counter(unasked=self.unasked)
        return {kind: count for kind, count in kinds.items() if kind and count}


def _kind(status: int, wanted: int) -> str:
    if status == wanted:
        return ""
    return {BROKEN: "read", NEVER: "time-out"}.get(status, "status")


def at_random(rate: float, seconds: float, chance: Random) -> list[float]:
    """When requests are due that come so many times a second."""
    times = []
    due = chance.expovariate(rate)
    while due < seconds:
        times.append(due)
        due += chance.expovariate(rate)
    return times


def run_paced(load: Load, seconds: float, rate: float, window: Window | None = None) -> Outcome:
    """Asks so many times a second."""
    port = urlsplit(load.url).port
    assert port is not None
    times = at_random(rate, seconds, Random(7))  # noqa: S311 (when requests come is no secret)
    played = play(port, load.text().encode(), load.connections, times, window=window)
    done = outcome([note.took for note in played.notes], seconds, played.wrong(load.wanted), since_due=True)
    late = sorted(note.late for note in played.notes if note.status != NEVER)
    return replace(done, late=share(late, 0.99), late_most=share(late, 0.999)) if late else done


def play(
    port: int,
    request: bytes,
    connections: int,
    times: Sequence[float],
    patience: float = PATIENCE,
    *,
    window: Window | None = None,
) -> Played:
    """Sends the request at each of the times, which are in order."""
    due = array("q", (int(time * _NANO) for time in times))
    with tempfile.NamedTemporaryFile() as file:
        file.write(request)
        file.flush()
        command = ["taskset", "-c", str(LOAD_CORE), str(program()),
                   str(port), str(connections), str(int(patience * _NANO)), file.name]  # fmt: skip
        said = _said(command, due.tobytes(), window)
    found = array("q", said)
    fields = iter(found[1:])
    end = (times[-1] if times else 0.0) + patience
    return Played(
        [_note(time, each, end) for time, each in zip(times, zip(*[fields] * 4, strict=True), strict=True)],
        found[0],
    )


def _said(command: Sequence[str], times: bytes, window: Window | None) -> bytes:
    """What the program says behind its first number, which opens the window."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(times)
        running.stdin.close()
        if running.stdout.read(_NUMBER) and window is not None:
            window.begin()
        said = running.stdout.read(_NUMBER)
        if window is not None:
            window.end()
        said += running.stdout.read()
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, list(command))
    return said


def _note(due: float, fields: tuple[int, ...], end: float) -> Note:
    could, sent, answered = (end if each < 0 else each / _NANO for each in fields[:3])
    return Note(due, could, sent, answered, fields[3])


@cache
def program() -> Path:
    """The load, compiled anew. RuntimeError: there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("there is no C compiler: see scripts/benchmark")
    folder = Path(tempfile.mkdtemp(prefix="pace-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / "pace"
    subprocess.run([compiler, "-O2", "-o", made, Path(__file__).with_name("pace.c")], check=True)
    return made
