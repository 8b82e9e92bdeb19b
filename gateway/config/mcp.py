"""`routes[].mcp`: scopes and limits of the tools of an MCP server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.config.base import Many, Section
from gateway.config.tiers import Tier
from gateway.config.units import Size
from gateway.config.value_types import Scope

MAX_TOOL_NAME = 128


def check_tool_name(value: str) -> str:
    """MCP 2026-07-28, "Tool Names": 1 to 128 characters. Names that could be misread are no use."""
    if not 1 <= len(value) <= MAX_TOOL_NAME or not value.isprintable() or value != value.strip():
        raise ValueError("must be a tool's name: 1 to 128 printable characters, no space at either end")
    return value


ToolName = Annotated[str, AfterValidator(check_tool_name)]


class McpSettings(Section):
    """Scopes and limits of the tools of the MCP server behind a route."""

    tools: Mapping[ToolName, Many[Scope]] = Field(
        default={},
        description="Names of tools, each with the scopes that a token must have to call it, all of them. "
        "tools/list shows only tools that the token may call.",
    )
    default: Many[Scope] = Field(
        default=(),
        description="The scopes for all other tools, and for resources, prompts and whatever else the server "
        "offers. initialize, ping, tools/list and notifications need none.",
    )
    limits: Mapping[ToolName, Tier] = Field(
        default={},
        description="Names of tools, each with the calls that a client may make: 10 per 1m, or a mapping "
        "with limit and per.",
    )
    max_body: Size = Field(
        default=1024 * 1024, description="Requests with a larger body are answered with 413. A size."
    )
