"""What a proxy is told of a request, without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from gateway.http.exchange import Exchange, Response
from gateway.http.problems import Problem
from gateway.oauth.bearer import AuthError
from gateway.oauth.model import TokenInfo
from gateway.plugin import ProxyPlugin
from gateway.proxy.access import FindToken
from gateway.proxy.pipeline import compile_pipeline, settled
from gateway.proxy.verification import read_question, verify
from plugins.cache import Cache
from plugins.claim_headers import ClaimHeaders
from plugins.headers import HeaderRules
from plugins.request_id import RequestId
from tests.plugins.exchanges import CONTEXT, made
from tests.proxy.routing import request, route

FACTS = TokenInfo("demo", ("a", "b"), (), "ada", 0, 100, "password", user="ada")
BEARER = (b"Authorization", b"Bearer t")


@dataclass(frozen=True)
class Access:
    find_token: FindToken = lambda token, accepted: FACTS if token == "t" else None
    verify_proof: Any = None
    clock: Any = lambda: 1.0
    max_body: int = 10


class Answering(ProxyPlugin):
    """Answers by itself."""

    answer: Any

    def on_request(self, exchange: Exchange) -> Any:
        return self.answer


class Judging(ProxyPlugin):
    """Judges bodies."""

    def on_body(self, exchange: Exchange, body: Any) -> None:
        raise AssertionError


async def judged(exchange: Exchange, access: Access) -> Response | AuthError | None:
    return await settled(verify(exchange, access))


def asked(
    *plugins: ProxyPlugin, headers: tuple[tuple[bytes, bytes], ...] = (BEARER,), **changes: Any
) -> Exchange:
    taken = route("/orders", pipeline=compile_pipeline(plugins), **changes)
    return Exchange(request("/orders/7", "GET", "a", *headers), taken, "id-1")


def answering(answer: Response) -> ProxyPlugin:
    plugin = Answering(None, CONTEXT)
    plugin.answer = answer
    return plugin


async def granted(*plugins: ProxyPlugin, **changes: Any) -> list[tuple[bytes, bytes]]:
    answer = await judged(asked(*plugins, **changes), Access())
    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (200, b"")
    return answer.headers


IDENTITY = [
    (b"X-Request-Id", b"id-1"),
    (b"X-Client-Id", b"demo"),
    (b"X-Authenticated-Scope", b"a b"),
    (b"X-Authenticated-UserId", b"ada"),
]


async def test_who_calls_is_told_as_the_upstream_would_be_told() -> None:
    assert await granted() == IDENTITY


async def test_on_an_open_route_nobody_is_named() -> None:
    assert await granted(protected=False, headers=()) == IDENTITY[:1]


async def test_a_request_that_may_not_pass_is_refused_as_a_proxied_one() -> None:
    assert await judged(asked(headers=()), Access()) is AuthError.MISSING
    assert await judged(asked(headers=((b"Authorization", b"Bearer x"),)), Access()) is AuthError.INVALID
    assert await judged(asked(scopes=frozenset({"c"})), Access()) is AuthError.SCOPE


async def test_headers_that_plugins_set_for_the_upstream_are_told_and_the_clients_own_are_not() -> None:
    came = (
        BEARER,
        (b"X-Tenant", b"forged"),
        (b"X-Mine", b"1"),
        (b"Via", b"1.1 proxy"),
        (b"Max-Forwards", b"3"),
    )
    plugin = made(HeaderRules, request={"set": {"X-Env": "prod"}, "remove": ["X-Tenant"]})
    headers = await granted(plugin, headers=came, forwarded_prefix=b"/orders", host_header=b"backend")
    assert sorted(headers) == sorted([*IDENTITY, (b"X-Env", b"prod")])


async def test_claims_of_the_client_are_told() -> None:
    facts = TokenInfo("demo", (), (), "demo", 0, 100, "g", extra={"claims": '{"tenant": "acme"}'})
    exchange = asked(made(ClaimHeaders, claims={"tenant": "X-Tenant"}))
    answer = await judged(exchange, Access(find_token=lambda token, accepted: facts))
    assert isinstance(answer, Response)
    assert (b"X-Tenant", b"acme") in answer.headers


async def test_the_id_is_told_once_where_a_plugin_tells_it_too() -> None:
    for more in ((), (made(HeaderRules, request={"set": {"X-Env": "prod"}}),)):
        exchange = asked(made(RequestId), *more)
        answer = await judged(exchange, Access())
        assert isinstance(answer, Response)
        names = [name for name, _ in (*answer.headers, *exchange.added_response_headers)]
        assert names.count(b"X-Request-Id") == 1


@pytest.mark.parametrize("status", [200, 204, 206])
async def test_a_plugins_own_success_is_no_leave_to_pass(status: int) -> None:
    with pytest.raises(Problem) as caught:
        await judged(asked(answering(Response(status, b"hello"))), Access())
    assert caught.value.kind.status == 403


@pytest.mark.parametrize("status", [302, 404, 503])
async def test_what_else_a_plugin_answers_is_handed_on(status: int) -> None:
    given = Response(status, b"hello", [(b"Location", b"/elsewhere")])
    assert await judged(asked(answering(given)), Access()) is given


async def test_a_route_whose_plugins_judge_bodies_can_not_be_judged_without() -> None:
    with pytest.raises(Problem) as caught:
        await judged(asked(Judging(None, CONTEXT)), Access())
    assert caught.value.kind.status == 403
    assert "bodies" in str(caught.value)


async def test_what_only_answers_in_place_of_the_upstream_is_not_asked() -> None:
    class Remembering(ProxyPlugin):
        replaces_upstream = True

        def on_forward(self, exchange: Exchange) -> Response:
            return Response(200, b"remembered")

    assert await granted(Remembering(None, CONTEXT), made(Cache)) == IDENTITY


def test_the_endpoint_in_another_spelling_is_none() -> None:
    asking = request("/auth/verif%79/orders")
    with pytest.raises(Problem) as caught:
        read_question(asking, asking.peer, (b"/auth/verify",))
    assert caught.value.kind.status == 404
