"""`on_body`: who is called, for what, and what comes of it."""

from __future__ import annotations

import pytest

from gateway.http.body_hook import BodyKind, MessageBody
from gateway.http.exchange import Exchange, Response
from gateway.plugin import PluginConfig, PluginContext, ProxyPlugin
from gateway.plugin.catalog import hook_problem
from gateway.proxy.body_hooks import body_hooks, run_body_hooks, wanted
from gateway.proxy.pipeline import compile_pipeline
from tests.proxy.test_pipeline import an_exchange

CONTEXT = PluginContext(lambda: 0.0)


class Appending(ProxyPlugin):
    async def on_body(self, exchange: Exchange, body: MessageBody) -> None:
        body.content += b"!"


class RequestsOnly(ProxyPlugin):
    body_limits = {"request": 7}  # noqa: RUF012 (as plugins write it)

    def wants_body(self, exchange: Exchange, kind: BodyKind) -> bool:
        return exchange.request.method == "POST"

    def on_body(self, exchange: Exchange, body: MessageBody) -> Response:
        return Response(403)


class WithoutBodies(ProxyPlugin):
    def on_request(self, exchange: Exchange) -> None:
        """Nothing."""


def plugin(kind: type[ProxyPlugin]) -> ProxyPlugin:
    return kind(PluginConfig(), CONTEXT)


def test_only_plugins_with_the_hook_collect_bodies() -> None:
    plugins = [plugin(WithoutBodies), plugin(Appending), plugin(RequestsOnly)]
    assert [hook.limit for hook in body_hooks(plugins, "request")] == [1024**2, 7]
    assert [hook.limit for hook in body_hooks(plugins, "response")] == [1024**2]
    assert compile_pipeline(plugins).collects_bodies
    assert not compile_pipeline(plugins[:1]).collects_bodies


def test_a_plugin_says_by_the_head_whether_it_wants_a_body() -> None:
    hooks = body_hooks([plugin(RequestsOnly)], "request")
    assert wanted(hooks, an_exchange(), "request") == []


async def test_hooks_see_what_those_before_have_left_and_may_wait() -> None:
    hooks = body_hooks([plugin(Appending), plugin(Appending)], "request")
    body = MessageBody("request", b"a")
    assert await run_body_hooks(hooks, an_exchange(), body) is None
    assert body.content == b"a!!"


async def test_a_response_ends_a_request_and_the_hooks_behind() -> None:
    hooks = body_hooks([plugin(RequestsOnly), plugin(Appending)], "request")
    body = MessageBody("request", b"a")
    answer = await run_body_hooks(hooks, an_exchange(), body)
    assert answer is not None
    assert (answer.status, body.content) == (403, b"a")


async def test_anything_else_than_a_response_is_a_mistake_of_the_plugin() -> None:
    class Mistaken(ProxyPlugin):
        def on_body(self, exchange: Exchange, body: MessageBody) -> Response:
            return "no"  # type: ignore[return-value]  # the mistake

    hooks = body_hooks([plugin(Mistaken)], "request")
    with pytest.raises(TypeError, match="on_body returned str"):
        await run_body_hooks(hooks, an_exchange(), MessageBody("request", b""))


def test_a_hook_that_takes_no_body_is_found_at_the_start() -> None:
    class Short(ProxyPlugin):
        def on_body(self, exchange: Exchange) -> None:  # type: ignore[override]  # the mistake
            """Nothing."""

    assert hook_problem(Short) == "on_body must take (self, exchange, body)"
    assert hook_problem(Appending) is None
