"""The scopes of MCP messages, and those that a challenge asks for."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.mcp.messages import RpcBody, RpcMessage
from gateway.mcp.rules import ToolRules, asked_scopes

RULES = ToolRules(
    {"delete_order": frozenset({"admin"}), "move": frozenset({"admin", "stock"}), "help": frozenset()},
    frozenset({"read"}),
)


def message(method: str | None, params: dict[str, Any] | None = None) -> RpcMessage:
    return RpcMessage(method, 1, params or {})


@pytest.mark.parametrize(
    ("method", "tool", "needed"),
    [
        ("tools/call", "delete_order", {"admin"}),
        ("tools/call", "move", {"admin", "stock"}),
        ("tools/call", "help", set()),
        ("tools/call", "get_order", {"read"}),
        ("tools/call", "Delete_order", {"read"}),
        ("resources/read", None, {"read"}),
        ("prompts/get", "delete_order", {"read"}),
        ("subscriptions/listen", None, {"read"}),
        ("what/ever", None, {"read"}),
        ("tools/list", None, set()),
        ("initialize", None, set()),
        ("server/discover", None, set()),
        ("ping", None, set()),
        ("notifications/initialized", None, set()),
        (None, None, set()),
    ],
)
def test_each_message_needs_its_scopes(method: str | None, tool: str | None, needed: set[str]) -> None:
    assert RULES.needed(message(method, {} if tool is None else {"name": tool})) == needed


def test_a_batch_needs_what_its_messages_need() -> None:
    batch = RpcBody(
        (message("ping"), message("tools/call", {"name": "move"}), message("prompts/list")), batch=True
    )
    assert RULES.needed_by_all(batch) == {"admin", "stock", "read"}
    assert RULES.first_lacking(batch, ("admin", "stock", "read")) is None
    assert RULES.first_lacking(batch, ("admin", "read")) is batch.messages[1]
    assert RULES.first_lacking(batch, ("admin", "stock")) is batch.messages[2]


def test_a_token_may_call_what_it_has_all_scopes_for() -> None:
    tools = ("delete_order", "move", "help", "get_order")
    assert [tool for tool in tools if RULES.may_call(tool, ("read",))] == ["help", "get_order"]
    assert [tool for tool in tools if RULES.may_call(tool, ("admin",))] == ["delete_order", "help"]
    assert RULES.every_scope == {"admin", "stock", "read"}


def test_a_challenge_names_all_scopes_of_the_call_and_for_older_clients_what_they_would_lose() -> None:
    granted, known = ("default", "read", "admin"), {"admin", "stock", "read"}
    assert asked_scopes({"admin", "stock"}, granted, known, keeps=True) == ("admin", "stock")
    assert asked_scopes({"admin", "stock"}, granted, known, keeps=False) == ("admin", "stock", "read")
