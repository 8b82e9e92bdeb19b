"""JWTs of the real program: rotation while tokens are in use, and other people's libraries as verifiers."""

import asyncio
import os
import signal
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest
import trustme
import yaml
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

from gateway.jose.signing_key import make_key
from tests.conftest import Valkey
from tests.e2e.conftest import CLIENT, SECRET, StartGateway, configuration, merged
from tests.e2e.jwt_traffic import GATEWAY, Verifier, keys, kid, traffic, until_signs
from tests.raw import RawUpstream
from tests.running import START_LIMIT, Running

LEAD = 2
SHARED = {
    "tokens": {"format": "jwt", "key": "k" * 32, "signing": {"lead": LEAD}, "lifetime": 600},
    "server": {"public_url": GATEWAY},
}


@pytest.fixture
def fleet(gateway: StartGateway, upstream: RawUpstream) -> list[Running]:
    """Two gateways, one of them with two workers, on one store."""
    config = merged(configuration(upstream.url), SHARED)
    return [gateway(config, workers=2), gateway(config)]


async def test_a_rotation_has_no_moment_at_which_a_good_token_fails(fleet: list[Running]) -> None:
    async with traffic(*fleet) as running:
        verifiers = [Verifier(running.session, gateway.http) for gateway in fleet]
        using = asyncio.create_task(running.run(verifiers))
        async with asyncio.timeout(START_LIMIT):
            while len(running.tokens) < 5:  # noqa: ASYNC110 (its own traffic)
                await asyncio.sleep(0.01)
        seen = {kid(running.tokens[0])}
        for _ in range(2):
            new = (await keys(fleet[0], "rotate"))[-1]
            assert new["state"] == "waits"
            await until_signs(running, new["kid"], using)
            seen.add(new["kid"])
        more = len(running.tokens) + 5
        async with asyncio.timeout(START_LIMIT):
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
        async with asyncio.timeout(START_LIMIT):
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


async def test_keys_and_jwts_outlive_a_restart_with_the_embedded_store(
    gateway: StartGateway, upstream: RawUpstream, tmp_path: Path
) -> None:
    own = {"store": {"url": "embedded"}, "server": {"state_dir": str(tmp_path / "state")}}
    config = merged(configuration(upstream.url), merged({"tokens": {"format": "jwt"}}, own))
    first = gateway(config)
    async with traffic(first) as running:
        token = await running.token(first)
        assert await running.use(first, token) == 200
        first.stop()
        second = gateway(config)
        assert await running.use(second, token) == 200
        assert await running.token(second) == token


async def test_a_reload_changes_the_format_and_the_tokens_that_are_out_live_on(
    gateway: StartGateway, upstream: RawUpstream, tmp_path: Path
) -> None:
    config = configuration(upstream.url, logging={"level": "info"})
    running = gateway(config)
    (tmp_path / "one.pem").write_text(make_key("ES256").pem)
    (tmp_path / "two.pem").write_text(make_key("RS256").pem)
    one, two = str(tmp_path / "one.pem"), str(tmp_path / "two.pem")
    async with traffic(running) as client:
        tokens = [await client.token(running)]
        for files in ([one], [one, two], [two, one]):
            reloads = sum("reloaded" in line for line in running.lines)
            jwts = {"tokens": {"format": "jwt", "signing": {"keys": files}}}
            running.write(merged(config_of(running), jwts))
            running.signal(signal.SIGHUP)
            async with asyncio.timeout(START_LIMIT):
                while reloads == sum("reloaded" in line for line in running.lines):  # noqa: ASYNC110 (it tells)
                    await asyncio.sleep(0.01)
            tokens.append(await client.token(running))
            assert [await client.use(running, token) for token in tokens] == [200] * len(tokens)
    assert tokens[0].startswith("gpt_")
    assert tokens[1] == tokens[2]
    assert len({kid(token) for token in tokens[1:]}) == 2


def config_of(running: Running) -> dict[str, Any]:
    """What the gateway was started with."""
    config: dict[str, Any] = yaml.safe_load(running.file.read_text())
    return config


async def test_a_gateway_accepts_what_other_gateways_issue(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    def issuing(number: int, form: str) -> Running:
        own = {"server": {"public_url": f"https://{form}.example"}, "tokens": {"format": form}}
        store = {"store": {"prefix": f"issuer-{number}-{os.getpid()}:"}}
        return gateway(merged(configuration(upstream.url), merged(own, store)))

    jwts, opaque = issuing(1, "jwt"), issuing(2, "opaque")
    login = {"url": opaque.http + "/introspect", "client_id": CLIENT, "client_secret": SECRET}
    issuers = {
        "jwts": {
            "issuer": "https://jwt.example",
            "jwks_url": jwts.http + "/jwks",
            "audiences": ["https://jwt.example"],
        },
        "opaque": {"issuer": "https://opaque.example", "introspection": login},
    }
    route = {"path": "/orders", "upstream": "backend", "scopes": ["orders.read"], "issuers": [*issuers]}
    here = gateway(configuration(upstream.url, issuers=issuers, routes=[route]))
    async with traffic(here) as client:
        for there, name in ((jwts, "jwts"), (opaque, "opaque"), (here, None)):
            token = await client.token(there)
            assert await client.use(here, token) == 200
            called = upstream.requests[-1].header("X-Client-Id")
            assert called == (CLIENT if name is None else f"{name}:{CLIENT}")
        assert await client.use(jwts, await client.token(here)) == 401
