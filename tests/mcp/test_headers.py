"""Headers of MCP requests are compared with what they repeat."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.mcp.headers import HEADER_MISMATCH, check_headers, requires_headers
from gateway.mcp.messages import INVALID_REQUEST, MessageRefused, RpcBody, RpcMessage

NEW = "2026-07-28"


def single(
    method: str | None, params: dict[str, Any] | None = None, *, message_id: int | None = 1
) -> RpcBody:
    return RpcBody((RpcMessage(method, message_id, params or {}),), batch=False)


def check(
    body: RpcBody, method: str | None = None, name: str | None = None, version: str | None = None
) -> None:
    methods, names, versions = (
        [] if value is None else [value.encode("latin-1")] for value in (method, name, version)
    )
    check_headers(body, methods, names, versions)


CALL = single("tools/call", {"name": "delete_order"})
ABROAD = single("tools/call", {"name": "Größe"})


@pytest.mark.parametrize(
    ("body", "method", "name", "version"),
    [
        (CALL, None, None, None),
        (CALL, None, None, "2025-06-18"),
        (CALL, "tools/call", "delete_order", None),
        (CALL, "tools/call", "delete_order", NEW),
        (CALL, "tools/call", "=?base64?ZGVsZXRlX29yZGVy?=", NEW),
        (ABROAD, "tools/call", "=?base64?R3LDtsOfZQ==?=", NEW),
        (single("resources/read", {"uri": "file:///a"}), "resources/read", "file:///a", NEW),
        (single("prompts/get", {"name": "p"}), "prompts/get", "p", NEW),
        (single("tasks/get", {"taskId": "7"}), "tasks/get", "7", NEW),
        (single("tools/list"), "tools/list", None, NEW),
        (single("tools/list"), "tools/list", "", NEW),
        (single("notifications/cancelled", message_id=None), None, None, NEW),
        (single(None), None, None, NEW),
        (single("ping"), None, None, "draft"),
    ],
)
def test_headers_that_say_what_the_body_says_pass(
    body: RpcBody, method: str | None, name: str | None, version: str | None
) -> None:
    check(body, method, name, version)


@pytest.mark.parametrize(
    ("body", "method", "name", "version"),
    [
        (CALL, "tools/list", None, None),
        (CALL, "tools/list", "delete_order", NEW),
        (CALL, "Tools/Call", "delete_order", NEW),
        (CALL, "tools/call", "get_order", None),
        (CALL, "tools/call", "get_order", "2025-06-18"),
        (CALL, "tools/call", "Delete_Order", NEW),
        (CALL, None, "delete_order", NEW),
        (CALL, "tools/call", None, NEW),
        (CALL, "tools/call", "", NEW),
        (CALL, "tools/call", "=?base64?Z2V0X29yZGVy?=", NEW),
        (CALL, "tools/call", "=?base64?ZGVsZXRlX29yZGVy", NEW),
        (CALL, "tools/call", "=?BASE64?ZGVsZXRlX29yZGVy?=", NEW),
        (CALL, "tools/call", "=?base64?ZGVs ZXRlX29yZGVy?=", NEW),
        (CALL, "tools/call", "=?base64?//79?=", NEW),
        (ABROAD, "tools/call", "Größe", NEW),
        (single("tools/list"), None, None, "2027-01-01"),
        (single(None), "tools/call", None, None),
    ],
)
def test_headers_that_say_otherwise_or_are_missing_are_refused(
    body: RpcBody, method: str | None, name: str | None, version: str | None
) -> None:
    with pytest.raises(MessageRefused) as refused:
        check(body, method, name, version)
    assert (refused.value.code, refused.value.id) == (HEADER_MISMATCH, 1)


@pytest.mark.parametrize("version", [None, "2025-06-18", "2026-07-29"])
def test_the_version_of_the_body_is_that_of_the_header(version: str | None) -> None:
    claimed = {"_meta": {"io.modelcontextprotocol/protocolVersion": NEW}}
    check(single("ping", claimed), "ping", None, NEW)
    with pytest.raises(MessageRefused) as refused:
        check(single("ping", claimed), "ping", None, version)
    assert refused.value.code == HEADER_MISMATCH


@pytest.mark.parametrize("twice", range(3))
def test_a_header_that_is_there_twice_is_refused(twice: int) -> None:
    values = [[b"tools/call"], [b"delete_order"], [NEW.encode()]]
    values[twice] *= 2
    with pytest.raises(MessageRefused):
        check_headers(CALL, *values)


def test_no_header_can_describe_a_batch() -> None:
    batch = RpcBody(CALL.messages, batch=True)
    check(batch)
    check(batch, version="2025-03-26")
    with pytest.raises(MessageRefused):
        check(batch, method="tools/call")
    with pytest.raises(MessageRefused):
        check(batch, name="delete_order")
    with pytest.raises(MessageRefused) as refused:
        check(batch, version=NEW)
    assert refused.value.code == INVALID_REQUEST


def test_versions_are_dates() -> None:
    assert [requires_headers(version) for version in (None, "2025-11-25", "draft", NEW, "2027-01-01")] == [
        False,
        False,
        False,
        True,
        True,
    ]
