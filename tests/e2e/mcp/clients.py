"""MCP clients of the official Python SDK and of FastMCP: `python clients.py KIND ISSUER CLIENT SECRET URL…`.

Prints for each URL what the server said, as JSON.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

import httpx2


class Tokens:
    """Keeps the token in memory."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self.token: Any = None

    async def get_tokens(self) -> Any:
        return self.token

    async def set_tokens(self, token: Any) -> None:
        self.token = token
        self.scopes.append(token.scope)


async def python_sdk(
    stack: AsyncExitStack, url: str, login: tuple[str, str, str], mode: str
) -> tuple[Any, Tokens]:
    from mcp import Client  # noqa: PLC0415
    from mcp.client.auth.extensions.client_credentials import (  # noqa: PLC0415
        ClientCredentialsOAuthProvider,
    )
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

    tokens, (issuer, client, secret) = Tokens(), login
    auth = ClientCredentialsOAuthProvider(url, tokens, client, secret, issuer=issuer)
    http = await stack.enter_async_context(httpx2.AsyncClient(auth=auth, timeout=20))
    transport = streamable_http_client(url, http_client=http)
    return await stack.enter_async_context(Client(transport, mode=mode)), tokens


async def fastmcp(stack: AsyncExitStack, url: str, login: tuple[str, str, str]) -> Any:
    from fastmcp import Client  # noqa: PLC0415
    from fastmcp.client.auth import ClientCredentialsOAuthProvider  # noqa: PLC0415

    issuer, client, secret = login
    auth = ClientCredentialsOAuthProvider(client_id=client, client_secret=secret, issuer=issuer)
    return await stack.enter_async_context(Client(url, auth=auth))


async def called(client: Any, tool: str) -> str:
    try:
        return str((await client.call_tool(tool, {"order": 7})).content[0].text)
    except Exception as error:
        return f"refused: {error}"


async def listed(client: Any) -> list[str]:
    found = await client.list_tools()
    return sorted(tool.name for tool in getattr(found, "tools", found))


async def visit(kind: str, url: str, login: tuple[str, str, str]) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        tokens = None
        if kind == "fastmcp":
            client = await fastmcp(stack, url, login)
        else:
            client, tokens = await python_sdk(stack, url, login, kind)
        said: dict[str, Any] = {"first": await listed(client), "get": await called(client, "get_order")}
        said["delete"] = await called(client, "delete_order")
        # Another page: the list of the SDK's own cache is not asked for.
        said["after"] = await listed(client)
        if tokens is not None:
            said["scopes"] = tokens.scopes
        return said


async def main(kind: str, issuer: str, client: str, secret: str, *urls: str) -> None:
    print(json.dumps([await visit(kind, url, (issuer, client, secret)) for url in urls]))


asyncio.run(main(*sys.argv[1:]))
