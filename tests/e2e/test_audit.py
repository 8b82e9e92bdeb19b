"""The audit log of a running gateway and of the commands beside it."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.commands.conftest import gatepost
from tests.e2e.conftest import StartGateway, configuration
from tests.raw import RawUpstream
from tests.running import START_LIMIT, Running

PASSWORD = "a-long-password-of-ann"

CHAIN = re.compile(r'chain\\*": \\*"(\d+-[0-9a-f]{16})')


def entries(running: Running) -> list[dict[str, Any]]:
    file = running.file.parent / "audit.log"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


async def awaited(running: Running, action: str) -> dict[str, Any]:
    """The newest entry of an action, once it is there."""
    async with asyncio.timeout(START_LIMIT):
        while True:
            found = [entry for entry in entries(running) if entry["action"] == action]
            if found:
                return found[-1]
            await asyncio.sleep(0.05)


@pytest.fixture
def running(gateway: StartGateway, upstream: RawUpstream, monkeypatch: pytest.MonkeyPatch) -> Running:
    running = gateway(
        configuration(
            upstream.url,
            server={"workers": 2, "public_url": "http://127.0.0.1"},
            portal={"users": [{"name": "ann", "password": PASSWORD, "admin": True}]},
            logging={"audit": "audit.log"},
        )
    )
    monkeypatch.chdir(running.file.parent)
    return running


def command(*words: str) -> Any:
    result = gatepost(*words)
    assert result.exit_code == 0, result.output
    return result


async def test_the_commands_are_recorded_with_who_ran_them(running: Running) -> None:
    made = json.loads((await asyncio.to_thread(command, "client", "create", "--id", "shop")).stdout)
    await asyncio.to_thread(command, "client", "rotate-secret", "shop")
    await asyncio.to_thread(command, "client", "disable", "shop")
    await asyncio.to_thread(command, "client", "delete", "shop")
    created, rotated, disabled, deleted = entries(running)
    assert (created["action"], created["target"], created["before"]) == ("client.create", "shop", None)
    assert created["actor"].startswith("cli:")
    assert created["after"]["grants"] == ["client_credentials"]
    assert [secret["name"] for secret in rotated["before"]["secrets"]] != [
        secret["name"] for secret in rotated["after"]["secrets"]
    ]
    assert (disabled["before"], disabled["after"]) == ({"enabled": True}, {"enabled": False})
    assert deleted["action"] == "client.delete"
    assert made["client_secret"] not in (running.file.parent / "audit.log").read_text()


async def test_the_portal_is_recorded_with_who_signed_in(running: Running) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        for password in ("a-wrong-password", PASSWORD):
            proof = await _proof(session, f"{running.http}/portal/sign-in")
            form = {"name": "ann", "password": password, "proof": proof}
            async with session.post(f"{running.http}/portal/sign-in", data=form) as response:
                await response.read()
        proof = await _proof(session, f"{running.http}/portal/applications/new")
        form = {"name": "Kestrel", "description": "", "proof": proof}
        async with session.post(f"{running.http}/portal/applications/new", data=form) as response:
            assert response.status == 200
    failed = await awaited(running, "sign_in.failed")
    assert (failed["target"], failed["after"]["address"]) == ("ann", "127.0.0.1")
    signed_in = await awaited(running, "sign_in")
    created = await awaited(running, "application.create")
    assert created["actor"] == f"{signed_in['target']} ann"
    assert created["after"]["name"] == "Kestrel"
    assert PASSWORD not in (running.file.parent / "audit.log").read_text()


async def _proof(session: aiohttp.ClientSession, page: str) -> str:
    async with session.get(page) as response:
        text = await response.text()
        return text.split('name="proof" value="', 1)[1].split('"', 1)[0]


async def test_a_reload_is_recorded_with_what_it_changed(running: Running) -> None:
    running.file.write_text(running.file.read_text().replace("/open", "/public"))
    command("reload", "--url", running.management)
    recorded = await awaited(running, "configuration.reload")
    assert "route /public is new" in recorded["after"]["changes"]
    assert recorded["before"]["hash"] != recorded["after"]["hash"]


async def test_a_change_of_what_was_written_is_found(running: Running) -> None:
    for name in ("one", "two", "three"):
        await asyncio.to_thread(command, "client", "create", "--id", name)
    file = running.file.parent / "audit.log"
    assert command("audit", "check", "audit.log").stdout == "3 entries, 0 breaks\n"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[2]]) + "\n")
    result = gatepost("audit", "check", "audit.log")
    assert result.exit_code == 1
    assert result.stdout.startswith("audit.log:2: does not follow the entry before it")
    assert gatepost("audit", "check", "missing.log").exit_code == 1


async def test_rotated_files_are_checked_as_one_chain(running: Running) -> None:
    folder = running.file.parent
    await asyncio.to_thread(command, "client", "create", "--id", "one")
    (folder / "audit.log").rename(folder / "audit.log.1")
    await asyncio.to_thread(command, "client", "create", "--id", "two")
    (folder / "audit.log.2.gz").write_bytes(gzip.compress((folder / "audit.log.1").read_bytes()))
    (folder / "audit.log.1").unlink()
    checked = command("audit", "check", "audit.log.2.gz", "audit.log")
    assert checked.stdout == "2 entries, 0 breaks\n"
    alone = gatepost("audit", "check", "--json", "audit.log")
    assert alone.exit_code == 1
    (found,) = json.loads(alone.stdout)["broken"]
    assert (found["file"], found["line"]) == ("audit.log", 1)
    (folder / "cut.gz").write_bytes((folder / "audit.log.2.gz").read_bytes()[:-9])
    assert gatepost("audit", "check", "cut.gz").exit_code == 1


async def test_a_folder_that_is_missing_costs_entries_and_not_the_command(
    running: Running, tmp_path: Path
) -> None:
    running.file.write_text(running.file.read_text().replace("audit.log", str(tmp_path / "none/audit.log")))
    result = await asyncio.to_thread(gatepost, "client", "create", "--id", "shop")
    assert result.exit_code == 0
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("style", ["json", "text"])
async def test_each_process_has_its_own_chain_in_the_log(
    gateway: StartGateway, upstream: RawUpstream, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    running = gateway(
        configuration(
            upstream.url,
            server={"workers": 2, "public_url": "http://127.0.0.1"},
            portal={"users": [{"name": "ann", "password": PASSWORD, "admin": True}]},
            logging={"audit": "stderr", "format": style, "access": False},
        )
    )
    monkeypatch.chdir(running.file.parent)

    async def sign_in() -> int:
        # With the right password: nobody has to wait, however often the kernel chooses the same worker.
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            proof = await _proof(session, f"{running.http}/portal/sign-in")
            form = {"name": "ann", "password": PASSWORD, "proof": proof}
            async with session.post(f"{running.http}/portal/sign-in", data=form) as response:
                await response.read()
        names = [match[1] for line in running.lines if (match := CHAIN.search(line))]
        return min((names.count(name) for name in set(names)), default=0) * (len(set(names)) >= 2)

    async with asyncio.timeout(START_LIMIT):
        while await sign_in() < 2:  # noqa: ASYNC110 (the kernel chooses the worker)
            await asyncio.sleep(0)
    log = running.file.parent / "gateway.log"
    lines = running.output.splitlines()
    log.write_text("\n".join(lines) + "\n")
    checked = json.loads(command("audit", "check", "--from-log", "--json", "gateway.log").stdout)
    assert checked["broken"] == []
    assert len(checked["chains"]) >= 2
    assert checked["entries"] >= 4
    first = next(line for line in lines if CHAIN.search(line))
    log.write_text("\n".join(line for line in lines if line != first) + "\n")
    assert gatepost("audit", "check", "--from-log", "gateway.log").exit_code == 1
