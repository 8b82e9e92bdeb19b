"""Clients that get JWTs and use them, and resource servers of others that verify them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, chdir
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt as pyjwt

from gateway.jose.compact import read_jwt
from tests.commands.conftest import shown
from tests.e2e.conftest import CLIENT, SECRET
from tests.running import Running

GATEWAY = "https://gateway.example"
LOGIN = {"Authorization": aiohttp.encode_basic_auth(CLIENT, SECRET)}


def kid(token: str) -> str:
    """The key that a token names."""
    read = read_jwt(token)
    assert read is not None
    return str(read.header["kid"])


@dataclass
class Verifier:
    """A resource server of somebody else: it caches /jwks as it is allowed to, and never asks in between."""

    session: aiohttp.ClientSession
    url: str
    keys: dict[str, Any] = field(default_factory=dict)
    until: float = 0.0

    async def verify(self, token: str) -> None:
        asked = time.monotonic()
        if asked >= self.until:
            async with self.session.get(self.url + "/jwks") as response:
                document = await response.json(content_type=None)
                age = int(response.headers["Cache-Control"].partition("max-age=")[2])
            self.keys = {key["kid"]: pyjwt.PyJWK(key) for key in document["keys"]}
            self.until = asked + age  # the answer may have been long on its way
        pyjwt.decode(token, self.keys[kid(token)], audience=GATEWAY)


@dataclass
class Traffic:
    """Clients that get tokens anywhere and use old and new ones everywhere."""

    gateways: list[Running]
    session: aiohttp.ClientSession
    tokens: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    requests: int = 0

    async def token(self, at: Running, **form: str) -> str:
        form = {"grant_type": "client_credentials", "scope": "orders.read", **form}
        async with self.session.post(at.http + "/token", data=form, headers=LOGIN) as response:
            assert response.status == 200, await response.text()
            return str((await response.json())["access_token"])

    async def use(self, at: Running, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.get(at.http + "/orders", headers=headers) as response:
            self.requests += 1
            return response.status

    async def run(self, verifiers: list[Verifier]) -> None:
        number = 0
        while True:
            number += 1
            fresh = {"validity_period": "300"} if number % 3 == 0 else {}
            token = await self.token(self.gateways[number % len(self.gateways)], **fresh)
            self.tokens.append(token)
            for one in {token, self.tokens[0], self.tokens[len(self.tokens) // 2]}:
                for gateway in self.gateways:
                    if (status := await self.use(gateway, one)) != 200:
                        self.refused.append((status, kid(one)))
            for verifier in verifiers:
                await verifier.verify(token)


@asynccontextmanager
async def traffic(*gateways: Running) -> AsyncIterator[Traffic]:
    """A connection for each request, so that all workers get some."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Traffic(list(gateways), session)


async def keys(running: Running, *arguments: str) -> list[dict[str, Any]]:
    """`gatepost keys …` with the gateway's configuration."""
    with chdir(running.file.parent):
        found: list[dict[str, Any]] = await asyncio.to_thread(
            shown, "keys", *arguments, "-c", str(running.file)
        )
    return found


async def until_signs(traffic: Traffic, name: str, running: asyncio.Task[None]) -> None:
    """Waits until the traffic gets tokens of this key. If it has ended, that is raised which ended it."""
    async with asyncio.timeout(30):
        while not traffic.tokens or kid(traffic.tokens[-1]) != name:
            if running.done():
                await running
            await asyncio.sleep(0.05)
