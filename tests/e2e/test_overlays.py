"""A running gateway whose file extends another: it is watched, reloaded and compared as one configuration."""

from __future__ import annotations

import asyncio
import time
from contextlib import chdir
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.commands.conftest import gatepost
from tests.conftest import Valkey
from tests.e2e.conftest import StartGateway, configuration, merged
from tests.raw import RawUpstream
from tests.running import START_LIMIT


def command(*words: str, folder: Path) -> str:
    """What a command prints in the end."""
    with chdir(folder):
        done = gatepost(*words)
    assert done.exit_code == 0, done.output
    return done.stdout


async def status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as response:
        return response.status


async def test_a_change_of_the_other_file_is_seen_by_watch_and_workers_and_diff(
    gateway: StartGateway, upstream: RawUpstream, valkey: Valkey, prefix: str, tmp_path: Path
) -> None:
    shared: dict[str, Any] = merged(
        configuration(upstream.url),
        {"store": {"url": valkey.url, "prefix": prefix}, "server": {"workers": 2}},
    )
    base = tmp_path / "base.yaml"
    base.write_text(yaml.safe_dump(shared))
    running = gateway("extends: ../base.yaml\nserver: {watch: true}\nlogging: {level: info}\n")
    file = str(running.file)
    own = command("diff", str(base), file, folder=tmp_path).splitlines()
    assert own == ["server.watch false -> true", "logging.level warning -> info"]
    port = running.management.rpartition(":")[2]
    # The port that the system chose is not in the file.
    chosen = running.file.with_name("chosen.yaml")
    chosen.write_text(f"extends: gateway.yaml\nmanagement: {{port: {port}}}\n")
    found = command("diff", "--running", "-c", str(chosen), folder=running.file.parent)
    assert found == f"management.port 0 -> {port}\n"
    async with aiohttp.ClientSession() as session:
        assert await status(session, f"{running.http}/new") == 404
        new = {"path": "/new", "upstream": "backend", "auth": "none"}
        base.write_text(yaml.safe_dump({**shared, "routes": [*shared["routes"], new]}))
        deadline = time.monotonic() + START_LIMIT
        while await status(session, f"{running.http}/new") != 200:
            assert time.monotonic() < deadline, running.output
            await asyncio.sleep(0.1)
