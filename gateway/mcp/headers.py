"""Headers that repeat what the body says (MCP 2026-07-28, Streamable HTTP, "Request Metadata").

A header that is there is compared with the body, whatever the protocol version; from 2026-07-28 on they are
required. What routes, counts or logs by the headers then goes by the truth.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from gateway.mcp.messages import INVALID_REQUEST, TOOLS_CALL, MessageRefused, RpcBody, RpcMessage

HEADER_MISMATCH = -32020
METHOD_HEADER = "Mcp-Method"
NAME_HEADER = "Mcp-Name"
VERSION_HEADER = "MCP-Protocol-Version"

_VERSION_MEMBER = "io.modelcontextprotocol/protocolVersion"
_FIRST_WITH_HEADERS = "2026-07-28"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ENCODED = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)
# The tasks extension names tasks in the same header.
_NAMED_BY = {
    TOOLS_CALL: "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}


def requires_headers(version: str | None) -> bool:
    """Whether the protocol of this version has the headers. Versions are dates."""
    return version is not None and _DATE.fullmatch(version) is not None and version >= _FIRST_WITH_HEADERS


def protocol_version(values: Sequence[bytes]) -> str | None:
    """The value of MCP-Protocol-Version; None: there is none."""
    return values[0].decode("latin-1") if values else None


def check_headers(
    body: RpcBody, methods: Sequence[bytes], names: Sequence[bytes], versions: Sequence[bytes]
) -> None:
    """Compares the values of the three headers with the body.

    Raises:
        MessageRefused: they differ, or one is missing or malformed.
    """
    first = body.messages[0]
    for header, values in ((METHOD_HEADER, methods), (NAME_HEADER, names), (VERSION_HEADER, versions)):
        if len(values) > 1:
            raise _mismatch(f"{header} is there more than once.", first)
    version = protocol_version(versions)
    required = requires_headers(version)
    for message in body.messages:
        _check_version(message, version)
    if body.batch:
        if required:
            raise MessageRefused(INVALID_REQUEST, "This version of the protocol has no batches.")
        if methods or names:
            raise _mismatch(f"{METHOD_HEADER} and {NAME_HEADER} can't describe a batch.", first)
        return
    required = required and first.is_request
    _check_method(first, methods, required=required)
    _check_name(first, names, required=required)


def _check_version(message: RpcMessage, version: str | None) -> None:
    meta = message.params.get("_meta")
    claimed = meta.get(_VERSION_MEMBER) if isinstance(meta, dict) else None
    if claimed is not None and claimed != version:
        raise _mismatch(f"{VERSION_HEADER} is not the version that the body names.", message)


def _check_method(message: RpcMessage, methods: Sequence[bytes], *, required: bool) -> None:
    if not methods:
        if required:
            raise _mismatch(f"{METHOD_HEADER} is missing.", message)
    elif methods[0] != (message.method or "").encode("utf-8", "surrogatepass"):
        raise _mismatch(f"{METHOD_HEADER} is not the method of the body.", message)


def _check_name(message: RpcMessage, names: Sequence[bytes], *, required: bool) -> None:
    member = _NAMED_BY.get(message.method or "")
    name = None if member is None else message.params.get(member)
    if not isinstance(name, str):
        return
    if not names:
        if required:
            raise _mismatch(f"{NAME_HEADER} is missing.", message)
    elif _decoded(names[0]) != name:
        raise _mismatch(f"{NAME_HEADER} is not the {member} of the body.", message)


def _decoded(value: bytes) -> str | None:
    """The value of Mcp-Name ("Value Encoding"); None: it is malformed."""
    try:
        text = value.decode("ascii")
        encoded = _ENCODED.fullmatch(text)
        return text if encoded is None else base64.b64decode(encoded[1], validate=True).decode()
    except (UnicodeDecodeError, binascii.Error):
        return None


def _mismatch(text: str, message: RpcMessage) -> MessageRefused:
    return MessageRefused(HEADER_MISMATCH, f"Header mismatch: {text}", message.id)
