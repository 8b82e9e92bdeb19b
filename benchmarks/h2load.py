"""As many requests by HTTP/2 as a contender can answer: h2load (Debian's nghttp2-client), on the load's core."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.load import LOAD_CORE, Load, Outcome, outcome

STREAMS = 8
"""Requests at once of a connection."""
_WRONG = ("errored", "timeout")
"""What is under way at the end is `failed`, and no failure of the contender."""


def run(load: Load, seconds: float, body: bytes = b"") -> Outcome:
    """Runs h2load for so many seconds (whole ones). `load.connections` are all requests that are under way."""
    with tempfile.TemporaryDirectory() as folder:
        times, content = Path(folder) / "times", Path(folder) / "body"
        content.write_bytes(body)
        command = [
            "taskset", "-c", str(LOAD_CORE),
            "h2load", "-t1", f"-c{max(1, load.connections // STREAMS)}", f"-m{STREAMS}",
            f"-D{max(1, round(seconds))}", f"--log-file={times}",
            *(word for header in load.headers for word in ("-H", header)),
            *(["-d", str(content)] if body else []),
            load.url,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return read(done.stdout, times.read_text().splitlines())


def read(text: str, lines: Iterable[str]) -> Outcome:
    """What h2load said, and what it has logged of each request: when it began, its status, and microseconds."""
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", text)
    counts = re.search(r"^requests: .* (\d+) done, .*$", text, re.MULTILINE)
    if rate is None or counts is None:
        raise RuntimeError(f"h2load said: {text}")
    seconds = int(counts[1]) / max(float(rate[1]), 1e-9)
    rows = [line.split("\t") for line in lines]
    right = [float(took) / 1e6 for _, status, took in rows if status == "200"]
    wrong = {"status": len(rows) - len(right)}
    for kind in _WRONG:
        count = re.search(rf"(\d+) {kind}", counts[0])
        wrong[kind] = int(count[1]) if count else 0
    return outcome(right, seconds, {kind: count for kind, count in wrong.items() if count})
