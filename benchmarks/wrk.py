"""As many requests as a contender can answer: wrk, pinned to the load's core."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.load import LOAD_CORE, Load, Outcome

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}

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
    outcome = read(done.stdout, close=load.close, refused=load.wanted >= 400)
    if load.wanted >= 400 and status(load) != load.wanted:
        return replace(outcome, wrong={"status": outcome.requests})
    return outcome


def status(load: Load) -> int:
    """What one request is answered with. wrk itself tells refusals from answers, but not one refusal from another,
    unless it hands every answer to Lua: then the load would be the limit.
    """
    address = urlsplit(load.url)
    connection = http.client.HTTPConnection(address.netloc, timeout=5)
    try:
        connection.request("GET", address.path, headers=dict(one.split(": ", 1) for one in load.headers))
        return connection.getresponse().status
    finally:
        connection.close()


def script(load: Load) -> str:
    """What wrk is to do, in Lua."""
    headers = [*load.headers, "Connection: close"] if load.close else load.headers
    lines = [f'wrk.method = "{load.method}"']
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in (one.split(": ", 1) for one in headers)]
    if isinstance(load.body, str):
        lines.append(f'wrk.body = "{load.body}"')
    elif load.body:
        lines.append(f'wrk.body = string.rep("x", {load.body})')
    if load.raw is not None:
        # JSON escapes what Lua does.
        lines.append(f"function request() return {json.dumps(load.raw)} end")
    text = "\n".join(lines) + "\n"
    if load.tokens is not None:
        text += _TOKENS % (load.first, load.tokens, _AT_RANDOM if load.at_random else _IN_TURN)
    return text


def read(text: str, *, close: bool = False, refused: bool = False) -> Outcome:
    """What wrk said.

    With a connection for each request (`close`) the end of one is no error of reading. `refused`: every answer
    should be a refusal.
    """
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)", text)
    if total is None:
        raise RuntimeError(f"wrk said: {text}")
    wrong = _wrong(text)
    if refused:
        wrong["status"] = int(total[1]) - wrong["status"]
    if close:
        del wrong["read"]
    return Outcome(
        int(total[1]),
        _time(total[2], total[3]),
        _percentile(text, "50%"),
        _percentile(text, "99%"),
        wrong={kind: count for kind, count in wrong.items() if count},
    )


def _wrong(text: str) -> dict[str, int]:
    counted = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    status = int(counted[1]) if counted else 0
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    counts = map(int, errors.groups()) if errors else (0, 0, 0, 0)
    return {"status": status, **dict(zip(("connect", "read", "write", "time-out"), counts, strict=True))}


def _percentile(text: str, which: str) -> float:
    found = re.search(rf"{which}\s+([\d.]+)(us|ms|s|m)", text)
    return _time(found[1], found[2]) if found else float("nan")


def _time(number: str, unit: str) -> float:
    return float(number) * _UNITS[unit]
