"""What a guard reads in a body is what any MCP server reads in it."""

from __future__ import annotations

import json

import pytest

from gateway.mcp.messages import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    MessageRefused,
    RpcMessage,
    read_messages,
)

CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "delete_order", "arguments": {}},
}


def test_a_call_names_its_tool() -> None:
    read = read_messages(json.dumps(CALL).encode())
    assert read.tools == ("delete_order",)
    assert read.messages == (RpcMessage("tools/call", 1, CALL["params"]),)
    assert not read.batch
    assert not read.lists_tools


def test_escapes_are_read_as_what_they_stand_for() -> None:
    body = rb'{"\u006dethod": "tools\/c\u0061ll", "p\u0061rams": {"n\u0061me": "delete\u005forder"}, "id": 1}'
    assert read_messages(body).tools == ("delete_order",)


def test_notifications_and_responses_are_distinguished() -> None:
    notification, response = read_messages(
        b'[{"method": "notifications/initialized"}, {"id": 4, "result": {"action": "accept"}}]'
    ).messages
    assert (notification.method, notification.is_request) == ("notifications/initialized", False)
    assert (response.method, response.is_request) == (None, False)


def test_each_message_of_a_batch_is_read() -> None:
    read = read_messages(json.dumps([{"id": 1, "method": "tools/list"}, CALL, CALL]).encode())
    assert read.batch
    assert read.lists_tools
    assert read.tools == ("delete_order", "delete_order")


def test_a_call_that_pretends_to_be_a_response_is_a_call() -> None:
    assert read_messages(json.dumps({**CALL, "result": {}}).encode()).tools == ("delete_order",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"method": "ping"} {"method": "tools/call"}',
        b'{"method": "ping"}\n{"method": "tools/call"}',
        b'{"method": "ping",}',
        b"{'method': 'ping'}",
        b'{"method": "ping" /* tools/call */}',
        b'{"method": "ping", "id": NaN}',
        b'\xef\xbb\xbf{"method": "ping"}',
        b'{"method": "ping\xff"}',
        b'{"method": "pi\x00ng"}',
        '{"method": "ping"}'.encode("utf-16"),
        '{"method": "ping"}'.encode("utf-16-le"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"method": "ping", "id": ' + b"1" * 5000 + b"}",
    ],
)
def test_what_is_not_one_json_document_in_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(MessageRefused) as refused:
        read_messages(body)
    assert refused.value.code == PARSE_ERROR


@pytest.mark.parametrize(
    "body",
    [
        # A member twice: parsers take the first or the last.
        '{"method": "ping", "method": "tools/call", "id": 1}',
        '{"method": "ping", "m\\u0065thod": "tools/call", "id": 1}',
        '{"id": 1, "method": "tools/call", "params": {"name": "a", "name": "b"}}',
        '{"id": 1, "method": "tools/call", "params": {"name": "a"}, "params": {"name": "b"}}',
        # Another case: some parsers ignore it, and fold more than ASCII.
        '{"method": "ping", "Method": "tools/call", "id": 1}',
        '{"METHOD": "tools/call", "id": 1}',
        '{"method": "tools/call", "Params": {"name": "b"}, "params": {"name": "a"}, "id": 1}',
        '{"method": "tools/call", "param\u017f": {"name": "b"}, "params": {"name": "a"}, "id": 1}',
        '{"id": 1, "method": "tools/call", "params": {"name": "a", "Name": "b"}}',
        '{"id": 1, "method": "tools/call", "params": {"name": "a", " name": "b"}}',
        '{"method": "Tools/Call", "id": 1, "params": {"name": "a"}}',
        '{"method": " tools/call", "id": 1, "params": {"name": "a"}}',
        '{"method": "tools/call\\u0000", "id": 1, "params": {"name": "a"}}',
        # No message.
        "[]",
        "7",
        "null",
        '"tools/call"',
        "{}",
        '[[{"method": "tools/call", "id": 1, "params": {"name": "a"}}]]',
        '[{"method": "ping"}, 7]',
        '{"method": 7, "id": 1}',
        '{"method": null, "id": 1}',
        '{"method": ["tools/call"], "id": 1}',
        '{"method": "ping", "id": {}}',
        '{"method": "ping", "id": true}',
        '{"method": "ping", "id": 1.5}',
    ],
)
def test_what_servers_could_read_differently_is_refused(body: str) -> None:
    with pytest.raises(MessageRefused) as refused:
        read_messages(body.encode())
    assert refused.value.code == INVALID_REQUEST


@pytest.mark.parametrize(
    "params",
    [
        None,
        {},
        ["delete_order"],
        {"name": 7},
        {"name": ""},
        {"name": ["delete_order"]},
        {"name": "delete_order\x00"},
        {"name": "delete_order\n"},
        {"name": " delete_order"},
        {"name": "delete_order\ud800"},
        {"name": "delete\u200border"},
    ],
)
def test_a_call_needs_the_plain_name_of_a_tool(params: object) -> None:
    with pytest.raises(MessageRefused) as refused:
        read_messages(json.dumps({**CALL, "params": params}).encode())
    assert (refused.value.code, refused.value.id) == (INVALID_PARAMS, 1)


def test_arguments_are_the_tools_own_matter() -> None:
    arguments = {"Name": "x", "method": "tools/call", "Method": [None, 1e400 * 0 != 0]}
    body = json.dumps({**CALL, "params": {"name": "ärger 1", "arguments": arguments}}).encode()
    assert read_messages(body).tools == ("ärger 1",)
