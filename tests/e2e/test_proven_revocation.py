"""A revocation says how many workers of all gateways have heard of it, and by then they have."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.commands.conftest import gatepost
from tests.e2e.conftest import CLIENT, SECRET, StartGateway, configuration, token
from tests.raw import RawUpstream
from tests.running import START_LIMIT, Running

PROOF = re.compile(r"refused by (\d) of (\d) workers after (\d+) ms")


@pytest.fixture
def gateways(gateway: StartGateway, upstream: RawUpstream) -> list[Running]:
    return [gateway(configuration(upstream.url, tokens={"keys": ["k" * 32]}), workers=2) for _ in range(2)]


async def revoke(running: Running, revoked: str, **headers: str) -> aiohttp.ClientResponse:
    login = {"Authorization": aiohttp.encode_basic_auth(CLIENT, SECRET), **headers}
    async with (
        aiohttp.ClientSession(headers=login) as session,
        session.post(f"{running.http}/revoke", data={"token": revoked}) as response,
    ):
        assert (response.status, await response.read()) == (200, b"")
        return response


async def proven(running: Running) -> tuple[int, int, int]:
    issued = (await token(running, scope="orders.read", validity_period="60"))["access_token"]
    proof = PROOF.fullmatch((await revoke(running, issued, Prefer="wait")).headers["Revocation-Proof"])
    assert proof is not None
    return int(proof[1]), int(proof[2]), int(proof[3])


async def all_heard(running: Running) -> None:
    """Waits until the workers of both gateways take part."""
    async with asyncio.timeout(START_LIMIT):
        while (await proven(running))[1] < 4:  # noqa: ASYNC110 (workers set no event)
            await asyncio.sleep(0.05)


async def statuses(gateways: list[Running], bearer: str) -> set[int]:
    """From every worker: each connection may reach another."""

    async def status(running: Running) -> int:
        headers = {"Authorization": f"Bearer {bearer}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{running.http}/orders") as response,
        ):
            return response.status

    return set(await asyncio.gather(*(status(running) for running in gateways for _ in range(8))))


async def test_who_prefers_to_wait_is_told_that_every_worker_refuses_the_token(
    gateways: list[Running],
) -> None:
    await all_heard(gateways[0])
    issued = (await token(gateways[0], scope="orders.read"))["access_token"]
    assert await statuses(gateways, issued) == {200}
    response = await revoke(gateways[0], issued, Prefer="respond-async, wait=1")
    assert await statuses(gateways, issued) == {401}
    proof = PROOF.fullmatch(response.headers["Revocation-Proof"])
    assert proof is not None
    assert proof[1] == proof[2] == "4"
    assert response.headers["Preference-Applied"] == "wait"
    for headers in ({}, {"Prefer": "return=minimal"}):
        another = (await token(gateways[0], validity_period="60"))["access_token"]
        assert "Revocation-Proof" not in (await revoke(gateways[1], another, **headers)).headers
    assert "Revocation-Proof" not in (await revoke(gateways[0], "unknown", Prefer="wait")).headers
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{gateways[0].management}/metrics") as metrics,
    ):
        seen = re.search(r"^gatepost_revocation_seen_seconds (\S+)$", await metrics.text(), re.MULTILINE)
    assert seen is not None
    assert 0 < float(seen[1]) < 5


async def test_a_worker_that_does_not_hear_is_missing_in_the_proof(gateways: list[Running]) -> None:
    await all_heard(gateways[0])
    frozen = gateways[1].children()[0]
    os.kill(frozen, signal.SIGSTOP)
    try:
        heard, workers, _ = await proven(gateways[0])
        assert (heard, workers) == (3, 4)
    finally:
        os.kill(frozen, signal.SIGCONT)


async def test_disabling_a_client_waits_for_the_same_proof(
    gateways: list[Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    await all_heard(gateways[0])
    monkeypatch.chdir(Path(gateways[0].file).parent)

    def run(*words: str) -> Any:
        return gatepost("client", *words)

    assert (await asyncio.to_thread(run, "create", "--id", "shop")).exit_code == 0
    told = (await asyncio.to_thread(run, "disable", "--wait", "shop")).stdout
    assert re.fullmatch(
        r"shop is disabled, and all its tokens are revoked: refused by 4 of 4 workers after \d+ ms\.\n", told
    )
    assert (await asyncio.to_thread(run, "disable", "shop")).stdout.endswith("are revoked.\n")
