"""Many live tokens, made by asking for them as fast as they come."""

from __future__ import annotations

from pathlib import Path

from benchmarks import wrk
from benchmarks.load import Load
from benchmarks.peers.gatepost import ASKING, FORM, Gatepost

_KEEP = """
local file = io.open("%s", "a")
file:setvbuf("line")
function response(status, headers, body)
  local token = string.match(body, '"access_token": *"([^"]+)"')
  if token then file:write(token, "\\n") end
end
"""
_OTHER_SCOPE_EACH = """
local number = %d
function request()
  number = number + 1
  return wrk.format(nil, nil, nil, "grant_type=client_credentials&scope=device_" .. number)
end
"""
LIFETIME = f"{ASKING}&validity_period=7200"
"""A token with a lifetime of its own is a new one each time, and none that is given out again."""


def make_tokens(gatepost: Gatepost, count: int, *, reusable: bool = False) -> Path:
    """A file with at least so many. `reusable`: such as are found again by who asks again, each with another scope."""
    kept = gatepost.folder / ("reusable" if reusable else "tokens")
    kept.touch()
    made = 0
    while made < count:
        more = _KEEP % kept + (_OTHER_SCOPE_EACH % made if reusable else "")
        wrk.run(Load(f"http://127.0.0.1:{gatepost.port}/token", FORM, "POST", LIFETIME), 1, more)
        before, made = made, len(kept.read_text().splitlines())
        if made == before:
            raise RuntimeError(f"{gatepost.name} gives out no tokens")
    return kept
