import hashlib

import pytest
from pydantic import ValidationError

from gateway.accounts.static_clients import StaticClients
from gateway.http.problems import Problem
from gateway.oauth.bearer import AuthError
from gateway.oauth.model import Secret
from gateway.plugin import PluginContext
from gateway.proxy.access import authorize
from plugins.api_key import ApiKey
from tests.plugins.exchanges import exchange, forwarded, made
from tests.services import a_client

KEY = b"0123456789abcdef"
OTHER = b"fedcba9876543210"
CLIENTS = StaticClients(
    [
        a_client(api_keys=(Secret(hashlib.sha256(KEY).digest()),)),
        a_client("gone", api_keys=(Secret(hashlib.sha256(OTHER).digest()),), enabled=False),
    ]
)
CONTEXT = PluginContext(lambda: 0.0, clients=CLIENTS)


def a_plugin(**config: object) -> ApiKey:
    plugin: ApiKey = made(ApiKey, CONTEXT, **config)
    return plugin


def never(token: str, accepted: frozenset[str]) -> None:
    raise AssertionError


def test_the_key_says_who_calls_and_the_clients_scopes_count() -> None:
    sent = exchange("/orders", (b"x-api-key", KEY), scopes=frozenset({"orders.read"}))
    a_plugin().on_request(sent)
    assert sent.token is not None
    assert (sent.token.client, sent.token.grant) == ("demo", "api_key")
    assert authorize(sent, never, 5.0) is None


def test_a_client_without_the_routes_scope_is_not_let_in() -> None:
    sent = exchange("/orders", (b"X-Api-Key", KEY), scopes=frozenset({"admin"}))
    a_plugin().on_request(sent)
    assert authorize(sent, never, 5.0) is AuthError.SCOPE


@pytest.mark.parametrize("key", [b"", b"wrong", OTHER, KEY + b" x", KEY.upper()])
def test_a_wrong_key_and_a_disabled_clients_are_refused_alike(key: bytes) -> None:
    with pytest.raises(Problem) as caught:
        a_plugin().on_request(exchange("/orders", (b"X-Api-Key", key)))
    assert (caught.value.kind.code, caught.value.kind.status) == ("900901", 401)
    assert dict(caught.value.headers)[b"WWW-Authenticate"].startswith(b"ApiKey ")


def test_without_a_key_a_token_is_looked_for_unless_keys_alone_count() -> None:
    sent = exchange("/orders")
    a_plugin().on_request(sent)
    assert sent.token is None
    with pytest.raises(Problem) as caught:
        a_plugin(token=False).on_request(exchange("/orders"))
    assert caught.value.kind.code == "900902"


@pytest.mark.parametrize(
    "more", [(b"Authorization", b"Bearer t"), (b"Authorization", b"DPoP t"), (b"X-Api-Key", KEY)]
)
def test_two_ways_at_once_are_ambiguous(more: tuple[bytes, bytes]) -> None:
    with pytest.raises(Problem) as caught:
        a_plugin().on_request(exchange("/orders", (b"X-Api-Key", KEY), more))
    assert caught.value.kind.status == 400


def test_on_an_open_route_nobody_asks() -> None:
    sent = exchange("/orders", (b"X-Api-Key", b"wrong"), protected=False)
    a_plugin(token=False).on_request(sent)
    assert sent.token is None


def test_the_key_stays_at_the_gateway() -> None:
    sent = forwarded(a_plugin(header="X-Shop-Key"), (b"x-shop-key", KEY))
    assert sent.forward is not None
    assert all(value != KEY for _, value in sent.forward.headers)
    assert (b"X-Client-Id", b"demo") in sent.forward.headers


@pytest.mark.parametrize("header", ["X-Client-Id", "Connection", "Host", "a b"])
def test_a_header_of_the_gateways_own_is_refused(header: str) -> None:
    with pytest.raises(ValidationError):
        made(ApiKey, header=header)
