"""An MCP server by the official Python SDK or FastMCP: `python servers.py mcp|fastmcp`. Prints its port."""

import socket
import sys
from typing import Any

import uvicorn


def get_order(order: int) -> str:
    """Looks an order up."""
    return f"order {order}: 3 lamps"


def delete_order(order: int) -> str:
    """Deletes an order."""
    return f"order {order} is gone"


def app(kind: str) -> Any:
    if kind == "fastmcp":
        from fastmcp import FastMCP  # noqa: PLC0415

        shop = FastMCP("shop")
        shop.tool(get_order)
        shop.tool(delete_order)
        return shop.http_app()
    from mcp.server.mcpserver import MCPServer  # noqa: PLC0415

    server = MCPServer("shop")
    server.tool()(get_order)
    server.tool()(delete_order)
    return server.streamable_http_app()


def main(kind: str) -> None:
    config = uvicorn.Config(app(kind), log_level="error", timeout_graceful_shutdown=1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(config).run(sockets=[listener])


main(sys.argv[1])
