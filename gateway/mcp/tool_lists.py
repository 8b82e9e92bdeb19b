"""Takes tools out of the answers to `tools/list`, by their shape: they may come on any stream."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

MayCall = Callable[[str], bool]
"""Whether the caller may call a tool of this name."""


class UnreadableToolList(ValueError):  # noqa: N818 (it says what was found)
    """An upstream's JSON that can't be read, and so not be filtered."""


def filtered_list(data: bytes, may_call: MayCall) -> bytes | None:
    """The same JSON-RPC message or batch without the tools that the caller may not call.

    None: it is not an answer to `tools/list`, or nothing is to be changed.

    Raises:
        UnreadableToolList: it may be one, and is not JSON.
    """
    # Answers of other kinds are not parsed. An escape could stand for a letter.
    if b"tools" not in data and b"\\u" not in data:
        return None
    try:
        document = json.loads(data)
        messages = document if isinstance(document, list) else [document]
        changed = [_filter(message, may_call) for message in messages]
        if not any(changed):
            return None
        return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise UnreadableToolList("not JSON") from None


def _filter(message: Any, may_call: MayCall) -> bool:
    """Whether the message was changed."""
    result = message.get("result") if isinstance(message, dict) else None
    tools = result.get("tools") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(tools, list):
        return False
    allowed = [tool for tool in tools if _allowed(tool, may_call)]
    changed = len(allowed) < len(tools)
    result["tools"] = allowed
    # MCP 2026-07-28, "Caching": what depends on the token must not be shared.
    if result.get("cacheScope", "private") != "private":
        result["cacheScope"] = "private"
        changed = True
    return changed


def _allowed(tool: Any, may_call: MayCall) -> bool:
    name = tool.get("name") if isinstance(tool, dict) else None
    return isinstance(name, str) and may_call(name)
