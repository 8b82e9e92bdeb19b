"""Credentials for upstreams: fetched once, kept, renewed before they end."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from gateway.errors import GatepostError
from gateway.upstream.credentials import (
    DEFAULT_LIFETIME,
    ClientCredentialsTokens,
    StaticCredentials,
    UpstreamTokenRequest,
    parse_token_response,
)
from gateway.upstream.errors import UpstreamBroken

REQUEST = UpstreamTokenRequest("https://id.test/token", "gate", "the-secret", "a b")


class TokenServer:
    """Gives the tokens t1, t2 …, or fails."""

    def __init__(self, lifetime: int | None = 100) -> None:
        self.asked: list[tuple[str, dict[str, str], tuple[str, str]]] = []
        self.lifetime = lifetime
        self.problem: str | None = None
        self.held: asyncio.Event | None = None
        self.stopped = False

    async def post(self, url: str, form: dict[str, str], login: tuple[str, str]) -> bytes:
        self.asked.append((url, form, login))
        if self.held is not None:
            await self.held.wait()
        if self.problem is not None:
            raise GatepostError(self.problem)
        document: dict[str, object] = {"access_token": f"t{len(self.asked)}", "token_type": "Bearer"}
        if self.lifetime is not None:
            document["expires_in"] = self.lifetime
        return json.dumps(document).encode()

    async def stop(self) -> None:
        self.stopped = True


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def line(number: int) -> bytes:
    return b"Authorization: Bearer t%d\r\n" % number


def made(server: TokenServer) -> tuple[ClientCredentialsTokens, Clock]:
    clock = Clock()
    return ClientCredentialsTokens("orders", REQUEST, server, clock), clock


async def test_one_fetch_serves_all_who_wait() -> None:
    server = TokenServer()
    server.held = asyncio.Event()
    credentials, _ = made(server)
    assert credentials.current() is None
    waiting = [asyncio.create_task(credentials.fetch()) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    server.held.set()
    assert await asyncio.gather(*waiting[1:]) == [line(1)] * 19
    form = {"grant_type": "client_credentials", "scope": "a b"}
    assert server.asked == [("https://id.test/token", form, ("gate", "the-secret"))]
    assert credentials.current() == line(1)


async def test_a_token_is_renewed_in_the_background_before_it_ends() -> None:
    server = TokenServer(lifetime=100)
    credentials, clock = made(server)
    await credentials.fetch()
    clock.now += 79
    assert credentials.current() == line(1)
    await asyncio.sleep(0)
    assert len(server.asked) == 1
    clock.now += 2
    assert credentials.current() == line(1), "the old one is good until the new one has come"
    assert await credentials.fetch() == line(2)
    assert credentials.current() == line(2)
    clock.now += 100
    assert credentials.current() is None


async def test_a_failed_renewal_keeps_the_token_until_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    server = TokenServer(lifetime=100)
    credentials, clock = made(server)
    await credentials.fetch()
    server.problem = "https://id.test/token answered 500"
    clock.now += 90
    assert credentials.current() == line(1)
    with pytest.raises(UpstreamBroken):
        await credentials.fetch()
    assert credentials.current() == line(1)
    assert "answered 500; next attempt in 1 s" in caplog.text


async def test_a_token_server_that_fails_is_left_alone_for_longer_and_longer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = TokenServer()
    server.problem = "https://id.test/token answered 401"
    credentials, clock = made(server)
    with caplog.at_level(logging.WARNING):
        for number, delay in enumerate([1, 2, 4, 8, 16, 30, 30], 1):
            for _ in range(3):
                with pytest.raises(UpstreamBroken, match="answered 401"):
                    await credentials.fetch()
            assert len(server.asked) == number
            clock.now += delay - 0.1
            with pytest.raises(UpstreamBroken):
                await credentials.fetch()
            assert len(server.asked) == number
            clock.now += 0.2
    assert "the-secret" not in caplog.text
    server.problem = None
    assert await credentials.fetch() == line(8)


async def test_whatever_a_token_server_answers_nobody_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    credentials, _ = made(TokenServer())

    def broken(_: bytes) -> tuple[str, float]:
        raise OverflowError("int too large to convert to float")

    monkeypatch.setattr("gateway.upstream.credentials.parse_token_response", broken)
    with pytest.raises(UpstreamBroken, match="the answer can't be read"):
        await credentials.fetch()
    assert "the token server's answer can't be read" in caplog.text


async def test_a_rejected_token_is_replaced_once_and_not_at_every_request() -> None:
    server = TokenServer()
    credentials, clock = made(server)
    first = await credentials.fetch()
    credentials.accepted()
    assert credentials.rejected(first)
    second = await credentials.fetch()
    assert credentials.rejected(first), "it has been replaced meanwhile"
    assert credentials.current() == second == line(2)
    assert not credentials.rejected(second), "a third would fare no better"
    clock.now += 11
    assert credentials.rejected(second)
    third = await credentials.fetch()
    credentials.accepted()
    assert not credentials.rejected(third)
    clock.now += 1.1
    assert credentials.rejected(third), "it had been accepted before"


async def test_stopping_ends_a_fetch_and_the_connections() -> None:
    server = TokenServer()
    server.held = asyncio.Event()
    credentials, _ = made(server)
    waiting = asyncio.create_task(credentials.fetch())
    await asyncio.sleep(0)
    await credentials.stop()
    assert server.stopped
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize(
    ("document", "lifetime"),
    [
        ({"access_token": "t", "token_type": "bearer", "expires_in": 5}, 5),
        ({"access_token": "t", "token_type": "Bearer", "expires_in": "60"}, 60),
        ({"access_token": "t"}, DEFAULT_LIFETIME),
        ({"access_token": "t", "expires_in": 0}, DEFAULT_LIFETIME),
        ({"access_token": "t", "expires_in": True}, DEFAULT_LIFETIME),
        ({"access_token": "t", "expires_in": None}, DEFAULT_LIFETIME),
        ({"access_token": "t", "expires_in": 10**400}, 10 * 365 * 86400.0),
        ({"access_token": "t", "expires_in": "9" * 400}, 10 * 365 * 86400.0),
        ({"access_token": "t", "expires_in": float("inf")}, 10 * 365 * 86400.0),
        ({"access_token": "t", "expires_in": float("nan")}, DEFAULT_LIFETIME),
    ],
)
def test_the_lifetime_of_a_token(document: dict[str, object], lifetime: float) -> None:
    assert parse_token_response(json.dumps(document).encode()) == ("t", lifetime)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"access_token": ""}',
        b'{"access_token": 7}',
        b'{"access_token": "a b"}',
        b'{"access_token": "a\\r\\nX-Evil: 1"}',
        b'{"access_token": "\xc3\xa9"}',
        b'{"access_token": "t", "token_type": "mac"}',
        b'{"access_token": "' + b"x" * 9000 + b'"}',
        b'{"error": "invalid_client"}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_response_without_a_usable_token_is_refused_without_showing_it(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"the response|the token") as caught:
        parse_token_response(body)
    assert "Evil" not in str(caught.value)


async def test_static_credentials_never_change() -> None:
    credentials = StaticCredentials(b"X-Api-Key", b"k")
    assert credentials.current() == await credentials.fetch() == b"X-Api-Key: k\r\n"
    assert not credentials.rejected(b"X-Api-Key: k\r\n")
    credentials.accepted()
    await credentials.stop()
