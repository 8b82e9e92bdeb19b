import asyncio

import pytest

from gateway.http.exchange import Exchange, Response
from gateway.plugin import PluginConfig, PluginContext, ProxyPlugin
from gateway.proxy.pipeline import compile_pipeline, run_hooks, settled
from gateway.server.eager import run_eagerly
from tests.proxy.routing import request, route

CONTEXT = PluginContext(lambda: 0.0)


class Noting(ProxyPlugin):
    def on_request(self, exchange: Exchange) -> None:
        exchange.state.setdefault("seen", []).append(self.config)


class Refusing(ProxyPlugin):
    async def on_request(self, exchange: Exchange) -> Response:
        await asyncio.sleep(0)
        return Response(418)


class Mistaken(ProxyPlugin):
    def on_request(self, exchange: Exchange) -> Response | None:
        return True  # type: ignore[return-value]  # the mistake that is tested


class LateMistaken(ProxyPlugin):
    async def on_request(self, exchange: Exchange) -> Response | None:
        return True  # type: ignore[return-value]  # the mistake that is tested


class TimingOut(ProxyPlugin):
    async def on_request(self, exchange: Exchange) -> None:
        async with asyncio.timeout(20):
            await asyncio.sleep(0)
            exchange.state["in time"] = True


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
    assert await settled(run_hooks(hooks.on_request, exchange)) == Response(418)
    assert exchange.state["seen"] == [1, 2]


async def test_a_hook_that_returns_something_else_ends_the_request() -> None:
    with pytest.raises(TypeError):
        run_hooks(compile_pipeline([Mistaken(None, CONTEXT)]).on_request, an_exchange())
    late = compile_pipeline([LateMistaken(None, CONTEXT)])
    with pytest.raises(TypeError):
        await settled(run_hooks(late.on_request, an_exchange()))


async def test_plain_functions_answer_at_once_and_coroutines_in_a_task_of_their_own() -> None:
    exchange = an_exchange()
    assert run_hooks(compile_pipeline([Noting(1, CONTEXT)]).on_request, exchange) is None
    hooks = compile_pipeline([TimingOut(None, CONTEXT), Noting(2, CONTEXT), Refusing(None, CONTEXT)])

    async def phase() -> None:
        assert await settled(run_hooks(hooks.on_request, exchange)) == Response(418)

    task = run_eagerly(phase())
    assert "in time" not in exchange.state
    assert task is not None
    await task
    assert exchange.state == {"seen": [1, 2], "in time": True}


def test_a_hook_that_nobody_overrides_costs_nothing() -> None:
    hooks = compile_pipeline([Noting(PluginConfig(), CONTEXT)])
    assert len(hooks.on_request) == 1
    assert hooks.on_authorized == hooks.on_forward == hooks.on_response == hooks.on_finish == ()


def test_hooks_that_go_by_the_head_alone_come_first_and_do_not_ask_to_see_answers() -> None:
    class Both(ProxyPlugin):
        def on_forward(self, exchange: Exchange) -> None: ...

        def on_response(self, exchange: Exchange) -> None: ...

    one, two = Both.__new__(Both), Both.__new__(Both)
    two.head_only = ("on_forward", "on_response")
    compiled = compile_pipeline([one, two])
    assert (compiled.head_only_on_forward, compiled.on_forward) == ((two.on_forward,), (one.on_forward,))
    assert compiled.hooks("on_response") == (two.on_response, one.on_response)
    assert compiled.sees_answers
    assert not compile_pipeline([two]).sees_answers


def test_a_guard_that_can_not_go_by_the_head_alone_is_still_asked() -> None:
    guard = Refusing.__new__(Refusing)
    guard.head_only = ("on_request",)
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
