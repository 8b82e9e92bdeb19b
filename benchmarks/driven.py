"""Loads that are programs of their own, pinned to the load's core: `python -m benchmarks.NAME TASK`.

A program says `ready` when all of its connections stand, then loads, says its outcome in a line of JSON, and waits
for the end of its input before it closes them. So what connections cost is not counted where it is not asked for.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

from benchmarks.load import LOAD_CORE, Load, Outcome

READY = "ready"


class Window(Protocol):
    """The time in which a contender's use counts."""

    def begin(self) -> None:
        """From now on."""

    def end(self) -> None:
        """Until now."""


Run = Callable[[Load, float, Window], Outcome]
"""Loads for so many seconds."""


def program(module: str, **more: Any) -> Run:
    """A load that is the program `benchmarks.<module>`; `more` goes into its task."""

    def run(load: Load, seconds: float, window: Window) -> Outcome:
        task = {"url": load.url, "headers": load.headers, "connections": load.connections,
                "seconds": seconds, **more}  # fmt: skip
        command = [
            "taskset",
            "-c",
            str(LOAD_CORE),
            sys.executable,
            "-m",
            f"benchmarks.{module}",
            json.dumps(task),
        ]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            if running.stdout.readline().strip() != READY:
                raise RuntimeError(f"{module} can't connect to {load.url}")
            window.begin()
            said = running.stdout.readline()
            window.end()
        if not said:
            raise RuntimeError(f"{module} found nothing out")
        return Outcome(**json.loads(said))

    return run


def say_ready() -> None:
    """All connections stand: what follows counts."""
    gc.disable()
    print(READY, flush=True)


def finish(outcome: Outcome) -> None:
    """Says it, and keeps the connections until that was heard."""
    print(json.dumps(asdict(outcome)), flush=True)
    sys.stdin.read()
