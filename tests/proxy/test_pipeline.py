import asyncio

import pytest

from gateway.exchange import Answer, Exchange
from gateway.oauth.bearer import Refusal
from gateway.oauth.values import TokenFacts
from gateway.plugin import PluginConfig, PluginContext, ProxyPlugin
from gateway.proxy.pipeline import authorize, compile_pipeline, forward_head, head_bytes, run
from tests.proxy.routing import request, route

CONTEXT = PluginContext(lambda: 0.0)
FACTS = TokenFacts("demo", ("a",), (), "demo", 0, 100, "client_credentials")


class Noting(ProxyPlugin):
    def on_request(self, exchange: Exchange) -> None:
        exchange.state.setdefault("seen", []).append(self.config)


class Refusing(ProxyPlugin):
    async def on_request(self, exchange: Exchange) -> Answer:
        await asyncio.sleep(0)
        return Answer(418)


class Mistaken(ProxyPlugin):
    def on_request(self, exchange: Exchange) -> Answer | None:
        return True  # type: ignore[return-value]  # the mistake that is tested


def an_exchange() -> Exchange:
    return Exchange(
        request("/orders/7?x", "GET", "localhost", (b"Authorization", b"Bearer t")),
        route("/orders", scopes=frozenset({"a"}), strip=1),
        "id-1",
    )


async def test_hooks_run_in_their_order_until_one_answers() -> None:
    hooks = compile_pipeline(
        [Noting(1, CONTEXT), Noting(2, CONTEXT), Refusing(None, CONTEXT), Noting(3, CONTEXT)]
    )
    exchange = an_exchange()
    assert await run(hooks.on_request, exchange) == Answer(418)
    assert exchange.state["seen"] == [1, 2]


async def test_a_hook_that_returns_something_else_ends_the_request() -> None:
    with pytest.raises(TypeError):
        await run(compile_pipeline([Mistaken(None, CONTEXT)]).on_request, an_exchange())


def test_a_hook_that_nobody_overrides_costs_nothing() -> None:
    hooks = compile_pipeline([Noting(PluginConfig(), CONTEXT)])
    assert len(hooks.on_request) == 1
    assert hooks.on_authorized == hooks.on_forward == hooks.on_response == hooks.on_finish == ()
    assert hooks.synchronous
    assert not compile_pipeline([Refusing(None, CONTEXT)]).synchronous


async def known(token: str, accepted: frozenset[str]) -> TokenFacts | None:
    return FACTS if token == "t" else None


async def test_who_may_come_in_is_known_from_then_on() -> None:
    exchange = an_exchange()
    assert await authorize(exchange, known, 99.0) is None
    assert exchange.caller == FACTS


@pytest.mark.parametrize(("now", "refusal"), [(100.0, Refusal.INVALID)])
async def test_who_may_not_is_told_why(now: float, refusal: Refusal) -> None:
    exchange = an_exchange()
    assert await authorize(exchange, known, now) is refusal
    assert exchange.caller is None


async def test_no_token_is_looked_for_on_an_open_route() -> None:
    async def never(token: str) -> TokenFacts | None:
        raise AssertionError

    exchange = Exchange(request("/"), route("/", protected=False), "id-1")
    assert await authorize(exchange, never, 0.0) is None


def test_the_head_that_goes_upstream() -> None:
    exchange = an_exchange()
    exchange.caller = FACTS
    wire = head_bytes(forward_head(exchange), b"Transfer-Encoding: chunked\r\n")
    assert wire.startswith(b"GET /7?x HTTP/1.1\r\nHost: localhost\r\nVia: 1.1 gatepost\r\n")
    assert wire.endswith(b"Transfer-Encoding: chunked\r\n\r\n")
    assert b"X-Client-Id: demo\r\n" in wire
    assert b"Authorization" not in wire


def test_an_upstream_can_have_a_host_of_its_own() -> None:
    asked = Exchange(request("/a", "GET", "public.example"), route("/a", host_header=b"inner:8080"), "1")
    headers = forward_head(asked).headers
    assert [value for name, value in headers if name == b"Host"] == [b"inner:8080"]
    assert (b"X-Forwarded-Host", b"public.example") in headers


def test_hooks_that_go_by_the_head_alone_come_first_and_do_not_ask_to_see_answers() -> None:
    class Both(ProxyPlugin):
        def on_forward(self, exchange: Exchange) -> None: ...

        def on_response(self, exchange: Exchange) -> None: ...

    one, two = Both.__new__(Both), Both.__new__(Both)
    two.by_head = ("on_forward", "on_response")
    compiled = compile_pipeline([one, two])
    assert (compiled.forward_by_head, compiled.on_forward) == ((two.on_forward,), (one.on_forward,))
    assert compiled.hooks("on_response") == (two.on_response, one.on_response)
    assert compiled.sees_answers
    assert not compile_pipeline([two]).sees_answers


def test_a_guard_that_can_not_go_by_the_head_alone_is_still_asked() -> None:
    guard = Refusing.__new__(Refusing)
    guard.by_head = ("on_request",)
    assert compile_pipeline([guard]).on_request == (guard.on_request,)


def test_hooks_that_have_nothing_to_do_are_left_out() -> None:
    class Idle(ProxyPlugin):
        def on_request(self, exchange: Exchange) -> None: ...

        def on_response(self, exchange: Exchange) -> None: ...

    busy, idle = Idle.__new__(Idle), Idle.__new__(Idle)
    idle.idle = ("on_response",)
    compiled = compile_pipeline([busy, idle])
    assert compiled.on_request == (busy.on_request, idle.on_request)
    assert compiled.on_response == (busy.on_response,)
    assert compile_pipeline([busy]).sees_answers
    assert not compile_pipeline([idle]).sees_answers
