"""The phases and their order, without a network: what `admit` and `forward` decide."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.http.exchange import Exchange, Response, TimeoutOverrides
from gateway.http.problems import BODY_TOO_LARGE, Problem
from gateway.oauth.bearer import AuthError
from gateway.oauth.model import TokenInfo
from gateway.plugin import ProxyPlugin
from gateway.proxy import phases
from gateway.proxy.access import FindToken
from gateway.proxy.phases import Admission, RequestFraming
from gateway.proxy.pipeline import compile_pipeline, settled
from gateway.proxy.request_cache import CachedRequest, request_reader
from gateway.proxy.route_table import RouteTable
from gateway.server.eager import run_eagerly
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.upstream import Upstream
from tests.proxy.routing import request, route
from tests.upstream.defaults import a_server, an_upstream

FACTS = TokenInfo("demo", ("a",), (), "demo", 0, 100, "client_credentials")
BEARER = (b"Authorization", b"Bearer t")


@dataclass(frozen=True)
class Access:
    find_token: FindToken = lambda token, accepted: FACTS if token == "t" else None
    verify_proof: Any = None
    clock: Any = lambda: 1.0
    max_body: int = 10


class Noting(ProxyPlugin):
    """Notes the phases; does in one of them what the test wants."""

    phases: list[str]
    acts: dict[str, Any]

    def on_request(self, exchange: Exchange) -> Any:
        assert exchange.token is None
        return self._note("request", exchange)

    def on_authorized(self, exchange: Exchange) -> Any:
        return self._note("authorized", exchange)

    def on_forward(self, exchange: Exchange) -> Any:
        assert exchange.forward is not None
        return self._note("forward", exchange)

    def _note(self, phase: str, exchange: Exchange) -> Any:
        self.phases.append(phase)
        act = self.acts.get(phase)
        return act(exchange) if callable(act) else act


def noting(**acts: Any) -> Noting:
    plugin = Noting.__new__(Noting)
    plugin.phases, plugin.acts = [], acts
    return plugin


def an_exchange(plugin: ProxyPlugin | None = None, **changes: Any) -> Exchange:
    pipeline = compile_pipeline([] if plugin is None else [plugin])
    upstream = Upstream("orders", an_upstream((a_server("http://127.0.0.1:1"),)))
    taken = route("/orders", scopes=frozenset({"a"}), pipeline=pipeline, upstream=upstream, **changes)
    return Exchange(request("/orders/7", "GET", "localhost", BEARER), taken, "id-1")


async def admit(exchange: Exchange, *given: Any) -> Admission:
    return await settled(phases.admit(exchange, *given))


async def forward(exchange: Exchange, *given: Any, **more: Any) -> UpstreamRequest | Response:
    return await settled(phases.forward(exchange, *given, **more))


def cached_for(exchange: Exchange) -> CachedRequest:
    """What is cached for GET /orders/7 with a good token; the exchange's request is such a one."""
    read = request_reader(RouteTable([exchange.route]))
    cached = read(b"GET /orders/7 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer t\r\n\r\n")
    assert cached is not None
    exchange.request = cached.head_from(exchange.request.peer)
    return cached


async def in_time(exchange: Exchange) -> Response | None:
    async with asyncio.timeout(20):
        await asyncio.sleep(0)
    return Response(418) if exchange.request.header("x-answer") else None


async def test_the_phases_come_in_their_order() -> None:
    plugin = noting()
    exchange = an_exchange(plugin)
    assert await admit(exchange, Access(), 0) is None
    assert exchange.token is FACTS
    assert isinstance(await forward(exchange, b""), UpstreamRequest)
    assert plugin.phases == ["request", "authorized", "forward"]


async def test_a_response_of_a_plugin_ends_the_phases() -> None:
    for number, phase in enumerate(("request", "authorized")):
        plugin = noting(**{phase: Response(418)})
        assert await admit(an_exchange(plugin), Access(), 0) == Response(418)
        assert plugin.phases == ["request", "authorized"][: number + 1]
    assert await forward(an_exchange(noting(forward=Response(418))), b"") == Response(418)


async def test_without_a_sufficient_token_no_plugin_sees_the_request_authorized() -> None:
    plugin = noting()
    exchange = an_exchange(plugin)
    assert await admit(exchange, Access(lambda *_: None), 0) is AuthError.INVALID
    assert (exchange.token, plugin.phases) == (None, ["request"])
    assert await admit(an_exchange(), Access(lambda *_: replace(FACTS, scopes=())), 0) is AuthError.SCOPE


async def test_a_body_that_is_too_large_is_refused_before_the_token_is_looked_up() -> None:
    def never(token: str, accepted: frozenset[str]) -> TokenInfo | None:
        raise AssertionError

    def allow(exchange: Exchange) -> None:
        exchange.max_body = 20

    with pytest.raises(Problem) as caught:
        await admit(an_exchange(), Access(never), 11)
    assert (caught.value.kind, caught.value.close) == (BODY_TOO_LARGE, True)
    assert await admit(an_exchange(noting(request=allow)), Access(), 11) is None


async def test_a_chunked_body_is_measured_once_the_request_is_admitted_and_goes_on_in_one_chunk() -> None:
    exchange = an_exchange()
    cached = cached_for(exchange)
    sent = await settled(phases.forward_chunked(exchange, Access(), b"x" * 10, cached))
    assert isinstance(sent, UpstreamRequest)
    assert sent.chunked
    assert not sent.body_follows
    head, body = sent.head.split(b"\r\n\r\n", 1)
    assert head.split(b"\r\n")[-1] == b"Transfer-Encoding: chunked"
    assert body == b"a\r\nxxxxxxxxxx\r\n0\r\n\r\n"
    with pytest.raises(Problem) as raised:
        phases.forward_chunked(exchange, Access(), b"x" * 11, cached)
    assert raised.value.kind is BODY_TOO_LARGE
    exchange.max_body = 9
    with pytest.raises(Problem) as raised:
        phases.forward_chunked(exchange, Access(), b"x" * 10, cached)
    assert raised.value.kind is BODY_TOO_LARGE


async def test_the_credentials_of_a_replaced_request_count_and_not_those_that_came() -> None:
    def swap(exchange: Exchange) -> None:
        exchange.request = replace(exchange.request, headers=((b"Authorization", b"Bearer forged"),))

    plain, swapped = an_exchange(), an_exchange(noting(request=swap))
    assert await admit(plain, Access(), 0, cached_for(plain)) is None
    assert await admit(swapped, Access(), 0, cached_for(swapped)) is AuthError.INVALID


@pytest.mark.parametrize("phase", ["request", "authorized", "forward"])
async def test_coroutine_hooks_run_in_a_task_of_their_own(phase: str) -> None:
    exchange = an_exchange(noting(**{phase: in_time}))
    outcomes: list[object] = []

    async def both() -> None:
        outcomes.append(await admit(exchange, Access(), 0))
        outcomes.append(await forward(exchange, b""))

    task = run_eagerly(both())
    assert task is not None
    await task
    assert outcomes[0] is None
    assert isinstance(outcomes[1], UpstreamRequest)


async def test_a_token_that_must_be_looked_up_is_waited_for() -> None:
    async def find(token: str) -> TokenInfo | None:
        await asyncio.sleep(0)
        return FACTS

    assert await admit(an_exchange(), Access(lambda token, _: find(token)), 0) is None


async def test_what_goes_upstream_is_the_same_with_and_without_what_is_cached() -> None:
    for plugin in (None, noting()):
        exchange = an_exchange(plugin)
        cached = cached_for(exchange)
        assert await forward(exchange, b"", cached) == await forward(exchange, b"")


async def test_the_request_s_own_timeouts_hash_key_and_framing_go_with_it() -> None:
    exchange = an_exchange(hash_rule=lambda exchange: exchange.request.path)
    exchange.timeouts = TimeoutOverrides(response=7.0)
    framing = RequestFraming(b"Transfer-Encoding: chunked\r\n", body_follows=True, chunked=True)
    sent = await forward(exchange, b"", framing=framing)
    assert isinstance(sent, UpstreamRequest)
    assert (sent.timeouts.response, sent.key) == (7.0, b"/orders/7")
    assert (sent.body_follows, sent.chunked, sent.upgrade) == (True, True, False)
    assert sent.head.endswith(b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    whole = await forward(exchange, b"hello")
    assert isinstance(whole, UpstreamRequest)
    assert whole.head.endswith(b"\r\n\r\nhello")
