"""JWTs of the real program: rotation while tokens are in use, and other people's libraries as verifiers."""

import asyncio
import json
import os
import ssl
import sys
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt as pyjwt
import pytest
import trustme
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

from gateway.jose.compact import read_jwt
from tests.conftest import Valkey
from tests.e2e.conftest import CLIENT, SECRET, StartGateway, configuration, merged
from tests.raw import RawUpstream
from tests.running import Running

LEAD = 2
GATEWAY = "https://gateway.example"
SHARED = {
    "tokens": {"format": "jwt", "key": "k" * 32, "signing": {"lead": LEAD}, "lifetime": 600},
    "server": {"public_url": GATEWAY},
}
LOGIN = {"Authorization": aiohttp.encode_basic_auth(CLIENT, SECRET)}


def kid(token: str) -> str:
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
        if time.monotonic() >= self.until:
            async with self.session.get(self.url + "/jwks") as response:
                document = await response.json(content_type=None)
                age = int(response.headers["Cache-Control"].partition("max-age=")[2])
            self.keys = {key["kid"]: pyjwt.PyJWK(key) for key in document["keys"]}
            self.until = time.monotonic() + age
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
    program = ("-m", "gateway", "keys", *arguments, "-c", str(running.file))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *program,
        stdout=asyncio.subprocess.PIPE,
        cwd=running.file.parent,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    shown: list[dict[str, Any]] = json.loads(output)
    return shown


async def until_signs(traffic: Traffic, name: str) -> None:
    async with asyncio.timeout(30):
        while not traffic.tokens or kid(traffic.tokens[-1]) != name:  # noqa: ASYNC110 (others' traffic)
            await asyncio.sleep(0.05)


@pytest.fixture
def fleet(gateway: StartGateway, upstream: RawUpstream) -> list[Running]:
    """Two gateways, one of them with two workers, on one store."""
    config = merged(configuration(upstream.url), SHARED)
    return [gateway(config, workers=2), gateway(config)]


async def test_a_rotation_has_no_moment_at_which_a_good_token_fails(fleet: list[Running]) -> None:
    async with traffic(*fleet) as running:
        verifiers = [Verifier(running.session, gateway.http) for gateway in fleet]
        using = asyncio.create_task(running.run(verifiers))
        async with asyncio.timeout(30):
            while len(running.tokens) < 5:  # noqa: ASYNC110 (its own traffic)
                await asyncio.sleep(0.01)
        seen = {kid(running.tokens[0])}
        for _ in range(2):
            new = (await keys(fleet[0], "rotate"))[-1]
            assert new["state"] == "waits"
            await until_signs(running, new["kid"])
            seen.add(new["kid"])
        more = len(running.tokens) + 5
        async with asyncio.timeout(30):
            while len(running.tokens) < more and not using.done():  # noqa: ASYNC110 (its own traffic)
                await asyncio.sleep(0.01)
        assert not using.done(), using.exception()
        using.cancel()
        assert running.refused == []
        assert running.requests > 50
        assert {kid(token) for token in running.tokens} == seen
        async with running.session.get(fleet[1].http + "/jwks") as response:
            published = await response.json(content_type=None)
        assert {key["kid"] for key in published["keys"]} == seen


async def test_after_a_leak_the_old_key_is_worth_nothing_and_the_new_one_works_at_once(
    fleet: list[Running],
) -> None:
    async with traffic(*fleet) as running:
        old = await running.token(fleet[0])
        for gateway in fleet * 4:
            assert await running.use(gateway, old) == 200
        (new,) = await keys(fleet[1], "rotate", "--at-once")
        async with asyncio.timeout(10):
            for gateway in fleet:
                misses = 0
                while misses < 8:  # with two workers: both have heard of it
                    misses = misses + 1 if await running.use(gateway, old) == 401 else 0
        token = await running.token(fleet[0])
        assert kid(token) == new["kid"]
        for gateway in fleet * 4:
            assert await running.use(gateway, token) == 200


class SomebodysApi(JWTBearerTokenValidator):  # type: ignore[misc]  # authlib publishes no types
    """An API that checks tokens by itself, with Authlib."""

    def __init__(self, issuer: str, audience: str, document: dict[str, Any]) -> None:
        super().__init__(issuer, audience)
        self.document = document

    def get_jwks(self) -> dict[str, Any]:
        return self.document


@pytest.fixture(scope="module", params=["ES256", "RS256", "EdDSA"])
def signed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey: Valkey
) -> Iterator[tuple[Running, ssl.SSLContext, str]]:
    """A gateway behind TLS, and a context that trusts it."""
    folder = tmp_path_factory.mktemp("signed")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    tls = {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
    listeners = [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": tls}]
    own = {
        "server": {"listen": listeners, "public_url": GATEWAY},
        "tokens": {"format": "jwt", "signing": {"algorithm": request.param}},
        "store": {"url": valkey.url, "prefix": f"signed-{request.param}:"},
    }
    running = Running(merged(configuration("http://127.0.0.1:1"), own), folder)
    running.await_ready()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    yield running, context, str(request.param)
    running.stop()


async def test_other_peoples_libraries_verify_our_tokens_with_our_keys(
    signed: tuple[Running, ssl.SSLContext, str],
) -> None:
    running, context, algorithm = signed
    async with traffic(running) as client:
        token = await client.token(running)
        async with client.session.get(running.https + "/jwks", ssl=context) as response:
            document = await response.json(content_type=None)
    # PyJWT fetches the keys itself.
    keys = pyjwt.PyJWKClient(running.https + "/jwks", ssl_context=context)
    key = await asyncio.to_thread(keys.get_signing_key_from_jwt, token)
    said = pyjwt.decode(token, key, algorithms=[algorithm], audience=GATEWAY, issuer=GATEWAY)
    assert said["client_id"] == CLIENT
    with pytest.raises(pyjwt.InvalidAudienceError):
        pyjwt.decode(token, key, algorithms=[algorithm], audience="https://other.example")
    if algorithm != "EdDSA":  # which Authlib's validator does not take
        api = SomebodysApi(GATEWAY, GATEWAY, document)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            claims = api.authenticate_token(token)
            api.validate_token(claims, ["orders.read"], None)
        assert claims["jti"] == said["jti"]
