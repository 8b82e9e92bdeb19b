"""Tools that a caller may not call are taken out of lists, and nothing else is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.mcp.tool_lists import UnreadableToolList, filtered_list


def may_read(name: str) -> bool:
    return name != "delete_order"


def listed(*names: object, **members: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"tools": [{"name": name, "inputSchema": {"maximum": 1e3}} for name in names], **members},
    }


def filtered(document: object) -> Any:
    changed = filtered_list(json.dumps(document).encode(), may_read)
    return None if changed is None else json.loads(changed)


def test_a_tool_that_may_not_be_called_is_not_shown() -> None:
    assert filtered(listed("get_order", "delete_order", "größe \ud83d\ude00")) == listed(
        "get_order", "größe \U0001f600"
    )


def test_cursors_and_other_members_stay_though_a_page_is_empty_then() -> None:
    assert filtered(listed("delete_order", nextCursor="7", _meta={"a": 1})) == listed(
        nextCursor="7", _meta={"a": 1}
    )


def test_a_list_that_depends_on_the_token_is_not_to_be_shared() -> None:
    page = filtered(listed("get_order", ttlMs=1000, cacheScope="public"))
    assert page == listed("get_order", ttlMs=1000, cacheScope="private")


def test_lists_in_batches_are_filtered() -> None:
    other = {"jsonrpc": "2.0", "id": 2, "result": {}}
    assert filtered([other, listed("delete_order")]) == [other, listed()]


@pytest.mark.parametrize(
    "document",
    [
        listed("get_order"),
        {
            "jsonrpc": "2.0",
            "id": 1,
            "result": {"content": [], "structuredContent": {"tools": ["delete_order"]}},
        },
        {"jsonrpc": "2.0", "id": 1, "result": {"capabilities": {"tools": {"listChanged": True}}}},
        {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"},
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "sampling/createMessage",
            "params": {"tools": [{"name": "delete_order"}]},
        },
        ["tools", 7],
        "tools",
    ],
)
def test_what_is_no_list_of_tools_stays_as_it_came(document: object) -> None:
    assert filtered(document) is None


def test_what_has_no_name_is_not_shown() -> None:
    odd = listed("get_order")
    odd["result"]["tools"] += [{"title": "?"}, "delete_order", {"name": 7}]
    assert filtered(odd) == listed("get_order")


def test_escapes_hide_no_list() -> None:
    body = rb'{"id": 1, "result": {"\u0074ools": [{"name": "delete\u005forder"}]}}'
    assert json.loads(filtered_list(body, may_read) or b"") == {"id": 1, "result": {"tools": []}}


def test_other_answers_are_not_parsed() -> None:
    assert filtered_list(b"no JSON", may_read) is None


@pytest.mark.parametrize("body", [b'{"tools"', b'{"tools": \xff}', b'"tools"' + b"[" * 100_000])
def test_a_list_that_can_not_be_read_is_an_error(body: bytes) -> None:
    with pytest.raises(UnreadableToolList):
        filtered_list(body, may_read)


def test_a_list_that_could_not_be_written_is_an_error() -> None:
    body = b'{"result": {"tools": [{"name": "delete_order"}, {"name": "a", "maximum": 1e999}]}}'
    with pytest.raises(UnreadableToolList):
        filtered_list(body, may_read)
