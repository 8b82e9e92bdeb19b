"""Gateways of one store and their master keys: a change without a token lost, and another key by mistake."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import aiohttp
import pytest

from tests.conftest import Valkey
from tests.e2e.conftest import CLIENT, SECRET, StartGateway, configuration, merged
from tests.raw import RawUpstream
from tests.running import START_LIMIT, Running

OLD, NEW = "o" * 32, "n" * 32
MISTAKE = "use a master key that is not in tokens.keys"
TRIES = 8
"""Requests after which both workers have most likely been asked: each goes on a connection of its own."""


def with_keys(base: dict[str, Any], *keys: str) -> dict[str, Any]:
    return merged(base, {"tokens": {"keys": list(keys)}})


async def ask(session: aiohttp.ClientSession, url: str, **options: Any) -> tuple[int, Any]:
    headers = {"Connection": "close", **options.pop("headers", {})}
    method = "POST" if "data" in options else "GET"
    async with session.request(method, url, headers=headers, **options) as response:
        return response.status, await response.json(content_type=None)


async def issue(session: aiohttp.ClientSession, running: Running, **form: str) -> tuple[int, Any]:
    login = {"Authorization": aiohttp.encode_basic_auth(CLIENT, SECRET)}
    data = {"grant_type": "client_credentials", "scope": "orders.read", **form}
    return await ask(session, f"{running.http}/token", data=data, headers=login)


async def use(session: aiohttp.ClientSession, running: Running, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
    async with session.get(f"{running.http}/orders", headers=headers) as response:
        await response.read()
        return response.status


async def ready(session: aiohttp.ClientSession, running: Running) -> tuple[int, Any]:
    return await ask(session, f"{running.management}/readyz")


async def until_ready(session: aiohttp.ClientSession, running: Running, status: int) -> None:
    async with asyncio.timeout(START_LIMIT):
        while (await ready(session, running))[0] != status:  # noqa: ASYNC110 (another process hears from the store)
            await asyncio.sleep(0.02)


async def reload(running: Running, config: dict[str, Any]) -> None:
    """Puts the configuration in force."""
    said = running.output.count("reloaded")
    running.write(config)
    running.signal(signal.SIGHUP)
    async with asyncio.timeout(START_LIMIT):
        while running.output.count("reloaded") == said:  # noqa: ASYNC110 (another process says it)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("form", ["opaque", "jwt"])
async def test_a_change_of_the_master_key_loses_no_token(
    form: str, gateway: StartGateway, upstream: RawUpstream, valkey: Valkey, prefix: str
) -> None:
    base = merged(
        configuration(upstream.url, store={"url": valkey.url, "prefix": prefix}),
        {"tokens": {"format": form}, "logging": {"level": "info"}},
    )
    fleet = [gateway(with_keys(base, OLD), workers=2), gateway(with_keys(base, OLD))]
    tokens: list[str] = []
    async with aiohttp.ClientSession() as session:

        async def all_is_well() -> None:
            for running in fleet:
                status, reused = await issue(session, running)
                assert status == 200, reused
                status, own = await issue(session, running, validity_period="600")
                assert status == 200, own
                tokens.extend((reused["access_token"], own["access_token"]))
            for running in fleet:
                assert {await use(session, running, token) for token in set(tokens)} == {200}
                assert (await ready(session, running))[0] == 200

        await all_is_well()
        for keys in ((OLD, NEW), (NEW, OLD)):
            for running, workers in zip(fleet, (2, 1), strict=True):
                await reload(running, merged(with_keys(base, *keys), {"server": {"workers": workers}}))
                await all_is_well()
        assert len(set(tokens[::2])) == 1, "the token that is given out again was another after the change"
    assert MISTAKE not in "".join(running.output for running in fleet)


async def test_a_gateway_with_another_master_key_says_so_and_is_not_ready(
    gateway: StartGateway, upstream: RawUpstream, valkey: Valkey, prefix: str
) -> None:
    base = merged(
        configuration(upstream.url, store={"url": valkey.url, "prefix": prefix}),
        {"tokens": {"format": "jwt"}},
    )
    right, wrong = gateway(with_keys(base, OLD)), gateway(with_keys(base, NEW), workers=2)
    async with aiohttp.ClientSession() as session:
        assert (await ready(session, right))[0] == 200
        status, body = await ready(session, wrong)
        assert status == 503
        assert MISTAKE in body["reason"]
        for _ in range(TRIES):
            assert (await ask(session, f"{wrong.http}/jwks"))[0] == 503
            status, body = await issue(session, wrong)
            assert (status, body["error"]) == (503, "temporarily_unavailable")
        assert (await ask(session, f"{right.http}/jwks"))[0] == 200
        assert (await issue(session, right))[0] == 200
    assert MISTAKE not in right.output
    errors = [line for line in wrong.lines if MISTAKE in line]
    assert len(errors) == 2, "\n".join(errors)


async def test_a_gateway_with_another_master_key_issues_no_opaque_token_either(
    gateway: StartGateway, upstream: RawUpstream, valkey: Valkey, prefix: str
) -> None:
    base = configuration(upstream.url, store={"url": valkey.url, "prefix": prefix})
    right = gateway(with_keys(base, OLD))
    async with aiohttp.ClientSession() as session:
        status, body = await issue(session, right)
        assert status == 200
        wrong = gateway(with_keys(base, NEW))
        assert (await issue(session, wrong))[0] == 503
        assert await use(session, right, body["access_token"]) == 200
        await reload(wrong, merged(with_keys(base, NEW, OLD), {"logging": {"level": "info"}}))
        await until_ready(session, wrong, 200)
        assert await use(session, wrong, body["access_token"]) == 200
        # The gateway with the old key alone can't know what the new one signs.
        await until_ready(session, right, 503)
    assert right.output.count(MISTAKE) == 1
