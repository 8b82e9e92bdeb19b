"""Whether a token suffices for a route: the one place that decides it."""

import asyncio
from dataclasses import replace

import pytest

from gateway.http.exchange import Exchange
from gateway.oauth.bearer import AuthError, BearerCredentials
from gateway.oauth.model import TokenInfo
from gateway.proxy.access import FindToken, authorize
from gateway.proxy.pipeline import settled
from tests.proxy.routing import request, route

FACTS = TokenInfo("demo", ("a",), (), "demo", 0, 100, "client_credentials")


def an_exchange() -> Exchange:
    return Exchange(
        request("/orders/7?x", "GET", "localhost", (b"Authorization", b"Bearer t")),
        route("/orders", scopes=frozenset({"a"}), strip=1),
        "id-1",
    )


def cached(token: str, accepted: frozenset[str]) -> TokenInfo | None:
    return FACTS if token == "t" else None


async def stored(token: str, accepted: frozenset[str]) -> TokenInfo | None:
    await asyncio.sleep(0)
    return cached(token, accepted)


FINDERS = pytest.mark.parametrize("find", [cached, stored])


@FINDERS
async def test_the_client_of_an_admitted_request_is_known_from_then_on(find: FindToken) -> None:
    exchange = an_exchange()
    assert await settled(authorize(exchange, find, 99.0)) is None
    assert exchange.token == FACTS


async def test_an_expired_token_of_another_issuer_is_refused() -> None:
    exchange, foreign = an_exchange(), replace(FACTS, issuer="corp")
    assert await settled(authorize(exchange, lambda *_: foreign, 100.0)) is AuthError.INVALID
    assert exchange.token is None


@FINDERS
async def test_an_own_token_is_not_judged_by_the_clock(find: FindToken) -> None:
    """The store says when it ends."""
    assert await settled(authorize(an_exchange(), find, 100.0)) is None


def test_no_token_is_looked_for_on_an_open_route() -> None:
    def never(token: str, accepted: frozenset[str]) -> TokenInfo | None:
        raise AssertionError

    exchange = Exchange(request("/"), route("/", protected=False), "id-1")
    assert authorize(exchange, never, 0.0) is None


def test_a_token_that_is_known_takes_no_waiting() -> None:
    exchange = an_exchange()
    assert authorize(exchange, cached, 99.0) is None
    assert exchange.token is FACTS
    assert authorize(an_exchange(), lambda *_: None, 99.0) is AuthError.INVALID


def test_credentials_that_were_read_before_are_not_read_again() -> None:
    credentials = BearerCredentials("other", dpop=False)
    assert authorize(an_exchange(), cached, 99.0, None, credentials) is AuthError.INVALID
    assert authorize(an_exchange(), cached, 99.0, None, AuthError.MALFORMED) is AuthError.MALFORMED


@FINDERS
async def test_a_dpop_token_is_refused_where_no_proof_can_be_verified(find: FindToken) -> None:
    exchange = an_exchange()
    credentials = BearerCredentials("t", dpop=True)
    assert await settled(authorize(exchange, find, 99.0, None, credentials)) is AuthError.INVALID
    assert exchange.token is None


def test_a_client_that_a_plugin_has_authenticated_needs_the_route_s_scopes_all_the_same() -> None:
    exchange = an_exchange()
    exchange.token = TokenInfo("demo", (), (), "demo", 0, 100, "client_credentials")
    assert authorize(exchange, cached, 99.0) is AuthError.SCOPE
