"""As many requests as a contender can answer: wrk, pinned to the load's core."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from benchmarks.load import LOAD_CORE, Load, Outcome

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}

# A global, so that `done` can read it. wrk looks at headers and bodies for whoever has a `response`: it
# costs the load's core, so it stands only where wrk's own count of statuses above 399 will not do.
_COUNT = """
wrong, threads = 0, {}
function response(status) if status ~= %d then wrong = wrong + 1 end end
function setup(thread) table.insert(threads, thread) end
function done() for _, thread in ipairs(threads) do print("wrong: " .. thread:get("wrong")) end end
"""
# The requests are written out before the clock runs.
_TOKENS = """
local requests, last = {}, %d
function init(args)
  local headers = {}
  for name, value in pairs(wrk.headers) do headers[name] = value end
  for token in io.lines("%s") do
    headers["Authorization"] = "Bearer " .. token
    table.insert(requests, wrk.format(nil, nil, headers))
  end
  math.randomseed(last + 1)
end
function request() %s end
"""
_IN_TURN = "last = last % #requests + 1 return requests[last]"
_AT_RANDOM = "return requests[math.random(#requests)]"


def run(load: Load, seconds: float, more: str = "") -> Outcome:
    """Runs wrk for so many seconds (whole ones). `more` is Lua for its script."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "load.lua"
        written.write_text(script(load) + more)
        command = [
            "taskset", "-c", str(LOAD_CORE),
            "wrk", "-t1", f"-c{load.connections}", f"-d{max(1, round(seconds))}s", "--latency", "-s", str(written), load.url,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return read(done.stdout, close=load.close)


def script(load: Load) -> str:
    """What wrk is to do, in Lua."""
    headers = [*load.headers, "Connection: close"] if load.close else load.headers
    lines = [f'wrk.method = "{load.method}"']
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in (one.split(": ", 1) for one in headers)]
    if isinstance(load.body, str):
        lines.append(f'wrk.body = "{load.body}"')
    elif load.body:
        lines.append(f'wrk.body = string.rep("x", {load.body})')
    text = "\n".join(lines) + "\n"
    if load.wanted != 200:
        text += _COUNT % load.wanted
    if load.tokens is not None:
        text += _TOKENS % (load.first, load.tokens, _AT_RANDOM if load.at_random else _IN_TURN)
    return text


def read(text: str, *, close: bool = False) -> Outcome:
    """What wrk said. With a connection for each request the end of one is no error of reading."""
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)", text)
    if total is None:
        raise RuntimeError(f"wrk said: {text}")
    return Outcome(
        int(total[1]),
        _time(total[2], total[3]),
        _percentile(text, "50%"),
        _percentile(text, "99%"),
        {kind: count for kind, count in _wrong(text).items() if count and not (close and kind == "read")},
    )


def _wrong(text: str) -> dict[str, int]:
    counted = re.search(r"wrong: (\d+)", text) or re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    found = {"status": int(counted[1])} if counted else {}
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    if errors is not None:
        found |= dict(zip(("connect", "read", "write", "time-out"), map(int, errors.groups()), strict=True))
    return found


def _percentile(text: str, which: str) -> float:
    found = re.search(rf"{which}\s+([\d.]+)(us|ms|s|m)", text)
    return _time(found[1], found[2]) if found else float("nan")


def _time(number: str, unit: str) -> float:
    return float(number) * _UNITS[unit]
