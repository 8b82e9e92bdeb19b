"""The load: wrk, pinned to the core that the contenders do not use."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

LOAD_CORE = "1"
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked for, and how."""

    url: str
    headers: tuple[str, ...] = ()
    method: str = "GET"
    body: int | str = 0
    """Bytes of a body, or the body itself."""
    connections: int = 64
    close: bool = False
    """A new connection for each request."""
    wanted: int = 200
    """The status that every answer must have."""


@dataclass(slots=True)
class Outcome:
    """What came of one run."""

    requests: int
    seconds: float
    p50: float
    """Seconds."""
    p99: float
    wrong: int
    """Answers with another status, and broken connections."""
    notes: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def run(load: Load, seconds: float) -> Outcome:
    """Runs wrk for so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(_script(load))
        command = [
            "taskset", "-c", LOAD_CORE,
            "wrk", "-t1", f"-c{load.connections}", f"-d{max(1, round(seconds))}s", "--latency", "-s", str(script), load.url,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return _read(done.stdout)


def _script(load: Load) -> str:
    headers = list(load.headers) + (["Connection: close"] if load.close else [])
    lines = [f'wrk.method = "{load.method}"']
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in (one.split(": ", 1) for one in headers)]
    if isinstance(load.body, str):
        lines.append(f'wrk.body = "{load.body}"')
    elif load.body:
        lines.append(f'wrk.body = string.rep("x", {load.body})')
    lines.append("local wrong = 0")
    lines.append(f"function response(status) if status ~= {load.wanted} then wrong = wrong + 1 end end")
    lines.append("local threads = {}")
    lines.append("function setup(thread) table.insert(threads, thread) end")
    lines.append(
        "function done(summary) for _, t in ipairs(threads) do print('wrong: ' .. (t:get('wrong') or 0)) end end"
    )
    text = "\n".join(lines)
    # A global, so that `done` can read it.
    return text.replace("local wrong = 0", "wrong = 0")


def _read(text: str) -> Outcome:
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)", text)
    if total is None:
        raise RuntimeError(f"wrk said: {text}")
    wrong = sum(int(number) for number in re.findall(r"wrong: (\d+)", text))
    # With a connection each, the end of a connection counts as an error of reading: that is no error here.
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    if errors is not None:
        wrong += int(errors[1]) + int(errors[3]) + int(errors[4])
    return Outcome(
        int(total[1]), _time(total[2], total[3]), _percentile(text, "50%"), _percentile(text, "99%"), wrong
    )


def _percentile(text: str, which: str) -> float:
    found = re.search(rf"{which}\s+([\d.]+)(us|ms|s|m)", text)
    return _time(found[1], found[2]) if found else float("nan")


def _time(number: str, unit: str) -> float:
    return float(number) * _UNITS[unit]
