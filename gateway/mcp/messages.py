"""JSON-RPC messages in a request's body, read so that no server can take them for others.

What parsers read differently is refused: members twice or in another case, bytes that are not UTF-8, several
documents, content behind the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# JSON-RPC 2.0 section 5.1.
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
INVALID_PARAMS = -32602

MessageId = str | int | None

TOOLS_CALL = "tools/call"
TOOLS_LIST = "tools/list"
_METHODS_WITH_A_RULE = frozenset({TOOLS_CALL, TOOLS_LIST})
_MEMBERS = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_PARAMETERS = frozenset({"name", "uri"})
_BOM = "\ufeff"


class MessageRefused(Exception):  # noqa: N818 (a refusal is an answer, not a programming error)
    """A body that no MCP server must get."""

    def __init__(self, code: int, text: str, message_id: MessageId = None) -> None:
        super().__init__(text)
        self.code = code
        """That of the JSON-RPC error."""
        self.id = message_id
        """That of the request; None where it is not known."""


@dataclass(frozen=True, slots=True)
class RpcMessage:
    """One request, notification or response."""

    method: str | None
    """None: a response."""
    id: MessageId
    """None: a notification."""
    params: Mapping[str, Any]
    """Empty where there are none, or where they are a list."""

    @property
    def is_request(self) -> bool:
        """Whether it has an answer."""
        return self.method is not None and self.id is not None

    @property
    def tool(self) -> str | None:
        """The tool that it calls."""
        return self.params["name"] if self.method == TOOLS_CALL else None


@dataclass(frozen=True, slots=True)
class RpcBody:
    """All messages of a body."""

    messages: tuple[RpcMessage, ...]
    batch: bool
    """Whether they came as a list (protocol version 2025-03-26)."""

    @property
    def lists_tools(self) -> bool:
        """Whether one asks for the tools."""
        return any(message.method == TOOLS_LIST for message in self.messages)

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that it calls, one for each call."""
        return tuple(message.tool for message in self.messages if message.tool is not None)


def read_messages(body: bytes) -> RpcBody:
    """The messages of a body.

    Raises:
        MessageRefused: it has none, or servers could read others in it.
    """
    document = _document(body)
    if isinstance(document, list):
        if not document:
            raise MessageRefused(INVALID_REQUEST, "The batch is empty.")
        return RpcBody(tuple(_message(item) for item in document), batch=True)
    return RpcBody((_message(document),), batch=False)


def _document(body: bytes) -> Any:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MessageRefused(PARSE_ERROR, "The body is not UTF-8.") from None
    # RFC 8259 section 8.1: there must be none, and parsers differ on it.
    if text.startswith(_BOM):
        raise MessageRefused(PARSE_ERROR, "The body begins with a byte order mark.")
    try:
        return json.loads(text, object_pairs_hook=_members_once, parse_constant=_no_number)
    except MessageRefused:
        raise
    except (ValueError, RecursionError):
        raise MessageRefused(PARSE_ERROR, "The body is not one JSON document.") from None


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 8259 section 4: of members with the same name, parsers take the first or the last.
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MessageRefused(INVALID_REQUEST, "The body has a member twice.")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _message(item: object) -> RpcMessage:
    if not isinstance(item, dict):
        raise MessageRefused(INVALID_REQUEST, "A message must be an object.")
    _spelt_exactly(item, _MEMBERS, None)
    message_id = _id(item.get("id"))
    method = item.get("method")
    if "method" not in item and not {"result", "error"} & item.keys():
        raise MessageRefused(
            INVALID_REQUEST, "A message must have a method, a result or an error.", message_id
        )
    if "method" in item and not isinstance(method, str):
        raise MessageRefused(INVALID_REQUEST, "The method must be a string.", message_id)
    params = item.get("params")
    params = params if isinstance(params, dict) else {}
    if method is not None:
        _judge_names(method, params, message_id)
    return RpcMessage(method, message_id, params)


def _id(value: object) -> MessageId:
    """JSON-RPC 2.0 section 4. MCP allows no null; a fraction is none of a client's."""
    if value is None or isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise MessageRefused(INVALID_REQUEST, "The id must be a string or an integer.")


def _judge_names(method: str, params: Mapping[str, Any], message_id: MessageId) -> None:
    """Methods and tools have the names that any server reads."""
    plain = method.strip().casefold()
    if not method.isprintable() or (plain in _METHODS_WITH_A_RULE and method != plain):
        raise MessageRefused(INVALID_REQUEST, "The method is ambiguous.", message_id)
    _spelt_exactly(params, _PARAMETERS, message_id)
    if method != TOOLS_CALL:
        return
    name = params.get("name")
    if not isinstance(name, str) or not name:
        raise MessageRefused(INVALID_PARAMS, "tools/call needs the name of a tool.", message_id)
    # A control character can end a name; a lone surrogate becomes another character.
    if not name.isprintable() or name != name.strip():
        raise MessageRefused(INVALID_PARAMS, "The tool's name is ambiguous.", message_id)


def _spelt_exactly(found: Mapping[str, Any], names: frozenset[str], message_id: MessageId) -> None:
    """Some parsers ignore the case of members: Go's takes `Method` for `method`."""
    for name in found:
        if name not in names and name.strip().casefold() in names:
            raise MessageRefused(INVALID_REQUEST, "The body has a member in another case.", message_id)
