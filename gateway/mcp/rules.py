"""Which scopes a message needs, and which a client that lacks some is asked to get."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from gateway.mcp.messages import TOOLS_LIST, RpcBody, RpcMessage

# What a client must be able to say before it knows what it may do. The list of tools shows each what it may.
_OPEN = frozenset({"initialize", "server/discover", "ping", "logging/setLevel", TOOLS_LIST})
_NOTIFICATION = "notifications/"


@dataclass(frozen=True, slots=True)
class ToolRules:
    """The scopes of a route's tools."""

    tools: Mapping[str, frozenset[str]]
    """All scopes that a call of the tool needs, by its name."""
    default: frozenset[str]
    """Those of all other tools, and of whatever else the server offers: resources, prompts, tasks."""

    @property
    def every_scope(self) -> frozenset[str]:
        """All scopes that any message needs."""
        return self.default.union(*self.tools.values())

    def of_tool(self, name: str) -> frozenset[str]:
        """The scopes that a call of the tool needs."""
        return self.tools.get(name, self.default)

    def may_call(self, name: str, granted: Collection[str]) -> bool:
        """Whether a token with these scopes may call the tool."""
        return self.of_tool(name).issubset(granted)

    def needed(self, message: RpcMessage) -> frozenset[str]:
        """The scopes that a message needs."""
        method = message.method
        if method is None or method in _OPEN or method.startswith(_NOTIFICATION):
            return frozenset()
        return self.default if message.tool is None else self.of_tool(message.tool)

    def first_lacking(self, body: RpcBody, granted: Collection[str]) -> RpcMessage | None:
        """The first message whose scopes a token does not have; None: it has them all."""
        for message in body.messages:
            if not self.needed(message).issubset(granted):
                return message
        return None

    def needed_by_all(self, body: RpcBody) -> frozenset[str]:
        """The scopes that all messages need together."""
        return frozenset[str]().union(*(self.needed(message) for message in body.messages))


def asked_scopes(
    needed: Iterable[str], granted: Collection[str], known: Collection[str], *, keeps: bool
) -> tuple[str, ...]:
    """The scopes that a challenge names, those of the call first.

    Args:
        needed: all that the call needs; in one challenge (MCP 2026-07-28, "Runtime Insufficient Scope
            Errors").
        granted: those of the token.
        known: those that mean something on this route.
        keeps: whether the client adds to what it has. Clients before 2026-07-28 ask for what the challenge
            names and for nothing else (2025-11-25, "Runtime Insufficient Scope Errors"), so it must name what
            they would lose.
    """
    asked = sorted(needed)
    if not keeps:
        asked += sorted(scope for scope in granted if scope in known and scope not in asked)
    return tuple(asked)
