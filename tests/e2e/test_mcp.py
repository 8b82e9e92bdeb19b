"""MCP servers and clients of other makers, unmodified, with the gateway between them.

Both official SDKs and FastMCP, each as a server and as a client, in protocol versions of 2025 (with sessions)
and 2026-07-28. The clients know the server's URL, their id and their secret, and find out all else.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Valkey
from tests.running import Running

SCRIPTS = Path(__file__).parent / "mcp"
TOP = Path(__file__).parents[2]
PYTHON = TOP / ".venv-apps" / "bin" / "python"
"""Where `scripts/test-programs` puts them."""
PAGE = TOP / "docs" / "pages" / "how-to" / "mcp.md"
PACKAGES = Path(os.environ.get("GATEPOST_NPM", TOP / ".venv" / "npm"))
"""Where `scripts/test-npm` puts them."""
WITHIN = 60.0
"""Seconds for a client to visit all servers."""
SECRET = "a-secret-of-32-characters-or-more"
URL = "http://127.0.0.1:8280"

SERVERS: dict[str, list[str]] = {
    "python": [str(PYTHON), "servers.py", "mcp"],
    "fastmcp": [str(PYTHON), "servers.py", "fastmcp"],
    "typescript with sessions": ["node", "server.mjs", str(PACKAGES), "sdk"],
    "typescript": ["node", "server.mjs", str(PACKAGES), "server"],
}
CLIENTS: dict[str, list[str]] = {
    "python of 2025": [str(PYTHON), "clients.py", "legacy"],
    "python of 2026": [str(PYTHON), "clients.py", "auto"],
    "fastmcp": [str(PYTHON), "clients.py", "fastmcp"],
    # With client credentials it takes no scope from challenges.
    "typescript of 2025": ["node", "client.mjs", str(PACKAGES), "sdk", "shop.read shop.admin"],
    "typescript of 2026": ["node", "client.mjs", str(PACKAGES), "client", "-"],
}
MAY_ALL = {
    "first": ["get_order"],
    "get": "order 7: 3 lamps",
    "delete": "order 7 is gone",
    "after": ["delete_order", "get_order"],
}


def installed(command: list[str]) -> bool:
    if command[0] == "node":
        modules = PACKAGES / "node_modules" / "@modelcontextprotocol"
        return shutil.which("node") is not None and (modules / "server").is_dir()
    return any((TOP / ".venv-apps").glob("lib/python*/site-packages/fastmcp"))


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """The URL of each server that is installed."""
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(
                subprocess.Popen(command, cwd=SCRIPTS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            )
            for name, command in SERVERS.items()
            if installed(command)
        }
        for process in started.values():
            stack.callback(process.kill)
        yield {name: f"http://127.0.0.1:{_port(process)}/mcp" for name, process in started.items()}


def _port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.fixture(scope="module")
def gateway(
    servers: dict[str, str], valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    mcp = {"tools": {"delete_order": ["shop.admin"]}, "default": ["shop.read"]}
    config: dict[str, Any] = {
        "server": {"listen": [{"host": "127.0.0.1", "port": 0}], "public_url": URL},
        "management": {"host": "127.0.0.1", "port": 0},
        "store": {"url": valkey.url, "prefix": "mcp-sdks:"},
        "tokens": {"key": "k" * 32},
        "clients": [
            {"id": "admin", "secrets": [SECRET], "scopes": ["shop.read", "shop.admin"]},
            {"id": "reader", "secrets": [SECRET], "scopes": ["shop.read"]},
            {"id": "agent", "secrets": [SECRET], "scopes": ["shop.read", "shop.admin"]},
        ],
        "routes": [
            {"path": f"/{number}", "upstream": url, "mcp": mcp} for number, url in enumerate(servers.values())
        ]
        + [{"path": "/mcp", "upstream": url, "mcp": mcp} for url in list(servers.values())[1:2]],
    }
    running = Running(config, tmp_path_factory.mktemp("mcp-sdks"))
    running.await_ready()
    # Metadata names the public URL, which must be where the gateway listens.
    running.write({**config, "server": {**config["server"], "public_url": running.http}})
    running.signal(signal.SIGHUP)
    asyncio.run(running.line("the new configuration is active"))
    yield running
    running.stop()


def visits(gateway: Running, client: str, who: str, servers: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What each server said to the client."""
    if not installed(CLIENTS[client]):
        pytest.skip(f"{client} is not here: scripts/test-programs and scripts/test-npm install it")
    urls = [f"{gateway.http}/{number}" for number in range(len(servers))]
    done = subprocess.run(
        [*CLIENTS[client], gateway.http, who, SECRET, *urls],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(servers, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("client", [client for client in CLIENTS if client != "typescript of 2025"])
def test_a_client_finds_its_token_and_steps_up_for_a_tool(
    gateway: Running, servers: dict[str, str], client: str
) -> None:
    for server, said in visits(gateway, client, "admin", servers).items():
        scopes = said.pop("scopes", None)
        assert said == MAY_ALL, server
        if scopes is not None:
            first, then = (set(one.split()) - {"am_application_scope"} for one in scopes)
            assert (first, then) == ({"shop.read"}, {"shop.read", "shop.admin"}), server


def test_a_client_that_is_told_its_scopes_can_do_the_same(gateway: Running, servers: dict[str, str]) -> None:
    for server, said in visits(gateway, "typescript of 2025", "admin", servers).items():
        (scope,) = said.pop("scopes")
        assert set(scope.split()) == {"am_application_scope", "shop.read", "shop.admin"}, server
        assert said == MAY_ALL | {"first": MAY_ALL["after"]}, server


@pytest.mark.parametrize("client", ["typescript of 2026"])
def test_a_client_that_may_not_have_the_scope_does_not_reach_the_tool(
    gateway: Running, servers: dict[str, str], client: str
) -> None:
    for server, said in visits(gateway, client, "reader", servers).items():
        assert (said["first"], said["after"]) == (["get_order"], ["get_order"]), server
        assert said["delete"].startswith("refused: "), server


def test_the_agent_of_the_page_does_what_the_page_says(gateway: Running, tmp_path: Path) -> None:
    if not installed(CLIENTS["fastmcp"]):
        pytest.skip("fastmcp is not here: scripts/test-programs installs it")
    page = PAGE.read_text()
    (code,) = re.findall(r'```python title="agent.py"\n(.*?)```', page, re.DOTALL)
    (said,) = re.findall(r"```\n(\$ python agent.py\n.*?)```", page, re.DOTALL)
    (tmp_path / "agent.py").write_text(code.replace("http://127.0.0.1:8280", gateway.http))
    done = subprocess.run(
        [str(PYTHON), "agent.py"],
        cwd=tmp_path,
        env={**os.environ, "AGENT_SECRET": SECRET},
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=True,
    )
    assert said == "$ python agent.py\n" + done.stdout
