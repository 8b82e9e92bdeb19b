"""The token of a request, where its route lets it be."""

from __future__ import annotations

import pytest

from gateway.http.exchange import Header
from gateway.http.route import Route
from gateway.http.token_sources import token_sources
from gateway.oauth.bearer import AuthError, BearerCredentials
from gateway.plugin import PluginContext
from gateway.proxy.pipeline import compile_pipeline
from gateway.proxy.request_tokens import chosen_protocol, presented_credentials, without_tokens
from plugins.cors import Cors, CorsConfig
from tests.proxy.routing import request, route

APP = (b"Origin", b"https://app.example.org")
SOCKET = [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
ANYWHERE = ("header", "cookie:t", "websocket_protocol")


def taking(*sources: str, origins: tuple[str, ...] = ("https://app.example.org",)) -> Route:
    """A route with a `cors` plugin for these origins; none: no plugin."""
    context = PluginContext(lambda: 0.0)
    plugins = [Cors(CorsConfig(origins=origins), context)] if origins else []
    return route("/", token_sources=token_sources(sources), pipeline=compile_pipeline(plugins))


def shown(taken: Route, *headers: Header) -> str | AuthError:
    found = presented_credentials(request("/", "GET", "localhost", *headers), taken)
    return found if isinstance(found, AuthError) else found.token


def test_without_token_from_the_header_alone_counts() -> None:
    taken = taking("header")
    assert shown(taken, (b"Authorization", b"Bearer a"), (b"Cookie", b"t=b"), APP) == "a"
    assert shown(taken, (b"Cookie", b"t=b"), APP) is AuthError.MISSING


def test_a_cookie_counts_with_an_allowed_origin() -> None:
    assert shown(taking(*ANYWHERE), (b"Cookie", b"x=1; t=abc; y=2"), APP) == "abc"
    assert shown(taking(*ANYWHERE), (b"Cookie", b'x=1;t="abc"'), APP) == "abc"
    assert shown(taking("cookie:t", origins=("https://*.example.org",)), (b"Cookie", b"t=abc"), APP) == "abc"


@pytest.mark.parametrize(
    ("origins", "headers"),
    [
        (("https://app.example.org",), []),
        (("https://app.example.org",), [(b"Origin", b"https://evil.example")]),
        (("https://app.example.org",), [(b"Origin", b"null")]),
        (("https://app.example.org",), [APP, APP]),
        (("*",), [APP]),
        ((), [APP]),
    ],
)
def test_a_cookie_alone_does_not(origins: tuple[str, ...], headers: list[Header]) -> None:
    taken = taking(*ANYWHERE, origins=origins)
    assert shown(taken, (b"Cookie", b"t=abc"), *headers) is AuthError.MISSING
    assert shown(taken, (b"Cookie", b"t=abc"), (b"Authorization", b"Bearer a"), *headers) == "a"


@pytest.mark.parametrize(
    ("offered", "token"),
    [
        ([b"bearer, abc"], "abc"),
        ([b"Bearer,abc"], "abc"),
        ([b"chat, bearer, abc, mqtt"], "abc"),
        ([b"chat, bearer", b"abc"], "abc"),
        ([b"chat"], AuthError.MISSING),
        ([b"bearer"], AuthError.MALFORMED),
        ([b"bearer, a!c"], AuthError.MALFORMED),
        ([b"bearer, abc, bearer, def"], AuthError.MALFORMED),
    ],
)
def test_a_websocket_offers_its_token_as_a_protocol(offered: list[bytes], token: str | AuthError) -> None:
    headers = [(b"Sec-WebSocket-Protocol", value) for value in offered]
    assert shown(taking(*ANYWHERE), *SOCKET, *headers) == token
    assert shown(taking(*ANYWHERE), *headers) is AuthError.MISSING, "no WebSocket is asked for"
    assert shown(taking("header"), *SOCKET, *headers) is AuthError.MISSING


@pytest.mark.parametrize(
    "headers",
    [
        [(b"Authorization", b"Bearer a"), (b"Cookie", b"t=a"), APP],
        [(b"Authorization", b"Bearer a"), *SOCKET, (b"Sec-WebSocket-Protocol", b"bearer, a")],
        [(b"Cookie", b"t=a; t=b"), APP],
        [(b"Cookie", b"t=a"), (b"Cookie", b"t=a"), APP],
        [(b"Cookie", b"t=a b"), APP],
        [(b"Authorization", b"Bearer"), (b"Cookie", b"t=a"), APP],
    ],
)
def test_two_tokens_or_a_malformed_one_are_refused(headers: list[Header]) -> None:
    assert shown(taking(*ANYWHERE), *headers) is AuthError.MALFORMED


def test_an_empty_cookie_is_none() -> None:
    assert shown(taking(*ANYWHERE), (b"Cookie", b"t=; x=1"), APP) is AuthError.MISSING


def test_a_cookie_is_never_a_dpop_proof() -> None:
    found = presented_credentials(request("/", "GET", "l", (b"Cookie", b"t=a"), APP), taking("cookie:t"))
    assert found == BearerCredentials("a", dpop=False)


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ([(b"Cookie", b"x=1; t=abc;y=2")], [(b"Cookie", b"x=1; y=2")]),
        ([(b"Cookie", b"t=abc")], []),
        ([(b"Cookie", b" t =abc; T=1")], [(b"Cookie", b"T=1")]),
        ([(b"Cookie", b"x=1;y=2")], [(b"Cookie", b"x=1;y=2")]),
        ([(b"Cookie", b"x=t=1")], [(b"Cookie", b"x=t=1")]),
        ([(b"Sec-WebSocket-Protocol", b"bearer, abc")], []),
        ([(b"Sec-WebSocket-Protocol", b"a,bearer, abc, b")], [(b"Sec-WebSocket-Protocol", b"a, b")]),
        ([(b"Sec-WebSocket-Protocol", b"bearer, a, bearer, b")], []),
        ([(b"Sec-WebSocket-Protocol", b"a,b")], [(b"Sec-WebSocket-Protocol", b"a,b")]),
        (
            [(b"Host", b"h"), (b"Authorization", b"Bearer a")],
            [(b"Host", b"h"), (b"Authorization", b"Bearer a")],
        ),
    ],
)
def test_the_upstream_does_not_see_it(came: list[Header], goes: list[Header]) -> None:
    sources = token_sources(ANYWHERE)
    assert sources is not None
    assert without_tokens(came, sources) == goes


def test_bearer_is_chosen_where_the_upstream_chooses_nothing() -> None:
    asked = request("/", "GET", "l", *SOCKET, (b"Sec-WebSocket-Protocol", b"chat, Bearer, abc"))
    assert chosen_protocol(asked, taking(*ANYWHERE), []) == [(b"Sec-WebSocket-Protocol", b"Bearer")]
    assert chosen_protocol(asked, taking(*ANYWHERE), [(b"sec-websocket-protocol", b"chat")]) == []
    assert chosen_protocol(asked, taking("header"), []) == []
    assert chosen_protocol(request("/", "GET", "l", *SOCKET), taking(*ANYWHERE), []) == []
