"""Tokens of other issuers at a real gateway: RFC 9068 section 4, RFC 7662, RFC 8414, over TLS."""

import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from gateway.issuers.issuer_keys import MIN_FETCH_INTERVAL
from tests.conftest import Valkey
from tests.jose.tokens import OTHER, RSA
from tests.other_issuer import OtherIssuer, other_issuer
from tests.raw import LIMIT
from tests.standards.caller import Caller, client, served, standard_config


@dataclass
class World:
    """A gateway that trusts two others: one whose keys it fetches, one that it asks."""

    caller: Caller
    corp: OtherIssuer
    partner: OtherIssuer

    def status(self, path: str, token: str) -> int:
        return self.caller.get(path, token).status

    def corp_token(self, **changes: Any) -> str:
        return self.corp.token(time.time(), **changes)

    def partner_token(self, name: str, **changes: Any) -> str:
        said = {"active": True, "client_id": "shop", "scope": "orders.read", "exp": time.time() + 60}
        self.partner.opaque[name] = said | changes
        return name


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("issuers")
    ca = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    ca.cert_pem.write_to_path(folder / "ca.pem")
    with other_issuer(tls) as corp, other_issuer() as partner:
        config = standard_config(folder, upstream, store={"url": valkey.url, "prefix": "issuers:"})
        config["clients"] = [client("shop", scopes=["orders.read"])]
        config["issuers"] = issuers(corp, partner, folder)
        config["routes"] = [
            {"path": "/any", "upstream": upstream},
            {"path": "/both", "upstream": upstream, "issuers": ["corp"], "scopes": ["orders.read"]},
            {"path": "/corp", "upstream": upstream, "issuers": ["corp"], "own_tokens": False},
            {"path": "/partner", "upstream": upstream, "issuers": ["partner"]},
            {"path": "/for", "upstream": upstream, "issuers": ["corp"], "audience": "https://api.example"},
        ]
        with served(config, folder) as caller:
            yield World(caller, corp, partner)


def issuers(corp: OtherIssuer, partner: OtherIssuer, folder: Path) -> dict[str, Any]:
    login = {"client_id": "gatepost", "client_secret": "s", "cache": "1s"}
    return {
        "corp": {"issuer": corp.url, "audiences": ["https://api.example"], "ca": str(folder / "ca.pem")},
        "partner": {
            "issuer": partner.url,
            "introspection": {"url": partner.url + "/introspect", **login},
            "timeout": "1s",
        },
    }


def test_a_token_of_another_issuer_opens_the_routes_that_name_it(world: World) -> None:
    token = world.corp_token()
    assert [world.status(path, token) for path in ("/both", "/corp", "/for")] == [200, 200, 200]
    assert [world.status(path, token) for path in ("/any", "/partner")] == [401, 401]


def test_own_tokens_open_all_but_where_they_are_excluded(world: World) -> None:
    token = world.caller.token(scope="orders.read")
    assert [world.status(path, token) for path in ("/any", "/both", "/partner")] == [200, 200, 200]
    assert world.status("/corp", token) == 401
    assert world.status("/for", token) == 403


def test_the_upstream_can_not_take_its_clients_for_own_ones(world: World) -> None:
    headers = dict(json.loads(world.caller.get("/corp", world.corp_token()).body))
    assert headers["X-Client-Id"] == "corp:shop"
    assert headers["X-Authenticated-UserId"] == "corp:ann"
    assert headers["X-Authenticated-Scope"] == "orders.read"


def test_scopes_are_judged_per_route(world: World) -> None:
    assert world.status("/both", world.corp_token(scope="other")) == 403
    assert world.status("/corp", world.corp_token(scope="other")) == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "https://other.example"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"client_id": None},
        {"cnf": {"jkt": "x"}},
    ],
    ids=str,
)
def test_other_claims_are_refused(world: World, changes: dict[str, Any]) -> None:
    reply = world.caller.get("/corp", world.corp_token(**changes))
    assert reply.status == 401
    assert 'error="invalid_token"' in reply.headers["www-authenticate"]


def test_a_key_that_is_not_the_issuers_is_refused(world: World) -> None:
    assert world.status("/corp", world.corp_token(key=OTHER)) == 401


def test_a_new_key_is_known_soon(world: World) -> None:
    world.corp.keys.append(RSA)
    token, deadline = world.corp_token(key=RSA), time.monotonic() + 3 * LIMIT
    while world.status("/corp", token) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    before, began = len(world.corp.requests), time.monotonic()
    for _ in range(20):
        assert world.status("/corp", world.corp_token(key=OTHER)) == 401
    # One at once, and one more each time that the pause is over: on a busy machine the requests may outlast
    # it.
    assert len(world.corp.requests) - before <= 2 + (time.monotonic() - began) // MIN_FETCH_INTERVAL


def test_an_opaque_token_is_asked_about_and_refused_soon_after_its_end(world: World) -> None:
    token = world.partner_token("opaque-1")
    assert world.status("/partner", token) == 200
    asked = len(world.partner.requests)
    assert world.status("/partner", token) == 200
    assert len(world.partner.requests) == asked
    world.partner.opaque[token] = {"active": False}
    deadline = time.monotonic() + LIMIT
    while world.status("/partner", token) == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_tokens_are_shown_to_nobody_whom_the_route_does_not_name(world: World) -> None:
    before = len(world.partner.requests)
    assert world.status("/both", "opaque-2") == 401
    assert world.status("/partner", world.corp_token()) == 401
    assert world.status("/partner", world.caller.token()) == 200
    assert len(world.partner.requests) == before


def test_an_issuer_that_is_down_lets_nobody_in_whom_it_must_be_asked_about(world: World) -> None:
    token = world.corp_token(jti="before")
    assert world.status("/corp", token) == 200
    world.corp.down = world.partner.down = True
    try:
        reply = world.caller.get("/partner", world.partner_token("opaque-3"))
        assert (reply.status, reply.json["code"]) == (503, "900900")
        assert reply.headers["retry-after"]
        assert world.status("/corp", world.corp_token(jti="meanwhile")) == 200
        assert world.status("/any", world.caller.token()) == 200
    finally:
        world.corp.down = world.partner.down = False
    assert world.status("/partner", world.partner_token("opaque-3")) == 200


def test_the_resources_metadata_name_the_issuers(world: World) -> None:
    def servers(path: str) -> list[str]:
        named = world.caller.get("/.well-known/oauth-protected-resource" + path).json["authorization_servers"]
        return list(named)

    own = servers("/any")
    assert servers("/both") == [*own, world.corp.url]
    assert servers("/corp") == [world.corp.url]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "shop "},
        {"client_id": " shop"},
        {"client_id": "shop\ud800"},
        {"sub": "ann "},
        {"sub": "ann\n"},
        {"sub": "ann\ud800"},
        {"sub": "\udfff"},
        {"scope": "orders.read\torders.write"},
        {"aud": "\ud800"},
        {"jti": "\ud800", "sub": "ann\u200b"},
    ],
)
def test_claims_that_a_header_cannot_carry_as_they_are_make_a_token_invalid(
    world: World, changes: dict[str, Any]
) -> None:
    # RFC 9110 section 5.5: white space around a header's value is not part of it.
    reply = world.caller.get("/both", world.corp_token(**changes))
    assert reply.status == 401
    assert 'error="invalid_token"' in reply.headers["www-authenticate"]


def test_a_user_with_a_percent_sign_is_not_taken_for_another_behind_the_gateway(world: World) -> None:
    token = world.corp_token(sub="ann%0A")
    received = {name.lower(): value for name, value in world.caller.get("/both", token).json}
    assert received["x-authenticated-userid"] == "corp:ann%250A"
