"""Bodies that the OAuth endpoints refuse, and signed introspection (RFC 9701): on both ways."""

import gzip
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import jwt as pyjwt
import pytest

from tests.conftest import Valkey
from tests.standards.caller import FORM, ISSUER, Caller, Reply, basic, client, served, standard_config

SHOP = {"Content-Type": FORM, **basic("shop", "shop-secret")}
GRANT = b"grant_type=client_credentials"
ENDPOINTS = ["/token", "/revoke", "/introspect", "/register"]
SIGNED = "application/token-introspection+jwt"


@pytest.fixture(scope="module", params=["fast_path-opaque", "aiohttp-jwt"])
def caller(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str
) -> Iterator[Caller]:
    way, _, form = request.param.partition("-")
    folder = tmp_path_factory.mktemp("bodies")
    store = {"url": valkey.url, "prefix": f"bodies-{way}:"}
    config = standard_config(folder, upstream, store=store, tokens={"format": form})
    config["server"] |= {"fast_lane": way == "fast_path", "timeouts": {"body": "1s"}}
    config["clients"] = [client("shop", scopes=["orders.read", "introspect"], introspect=True)]
    config["registration"] = {"enabled": True, "initial_access_tokens": ["initial-access-token"]}
    with served(config, folder) as asked:
        yield asked


def is_oauth_error(reply: Reply, status: int) -> None:
    assert reply.status == status, reply.body
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.error == "invalid_request"
    assert reply.json["error_description"]


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_body_that_is_too_large_is_413_in_oauths_json(caller: Caller, path: str) -> None:
    reply = caller.ask("POST", path, b"a=" + b"b" * 70_000, SHOP)
    is_oauth_error(reply, 413)
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "x-unknown", "GZIP"])
def test_a_content_coding_is_415_in_oauths_json(caller: Caller, path: str, coding: str) -> None:
    reply = caller.ask("POST", path, gzip.compress(GRANT), {**SHOP, "Content-Encoding": coding})
    is_oauth_error(reply, 415)
    assert reply.headers["accept-encoding"] == "identity"


def test_a_coding_that_is_none_is_no_coding(caller: Caller) -> None:
    reply = caller.ask("POST", "/token", GRANT, {**SHOP, "Content-Encoding": "identity"})
    assert reply.status == 200, reply.body


def introspect(caller: Caller, token: str, accept: str, **headers: str) -> Reply:
    body = urlencode({"token": token}).encode()
    return caller.ask("POST", "/introspect", body, {**SHOP, "Accept": accept, **headers})


def verified(caller: Caller, reply: Reply, audience: str = "shop") -> dict[str, Any]:
    """The claims of a signed response, verified with the keys at /jwks by another library."""
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == SIGNED
    assert reply.headers["cache-control"] == "no-store"
    token = reply.body.decode()
    header = pyjwt.get_unverified_header(token)
    assert header["typ"] == "token-introspection+jwt"
    keys = pyjwt.PyJWKSet.from_dict(caller.get("/jwks").json)
    claims: dict[str, Any] = pyjwt.decode(
        token, keys[header["kid"]], algorithms=[header["alg"]], audience=audience, issuer=ISSUER
    )
    assert abs(claims["iat"] - time.time()) < 60
    assert claims.keys() == {"iss", "aud", "iat", "token_introspection"}
    return claims["token_introspection"]  # type: ignore[no-any-return]  # an object, as RFC 9701 has it


def test_introspection_is_signed_for_whoever_asks_for_it(caller: Caller) -> None:
    token = caller.token(scope="orders.read")
    plain = introspect(caller, token, "application/json")
    assert plain.json["active"] is True
    assert verified(caller, introspect(caller, token, SIGNED)) == plain.json
    assert verified(caller, introspect(caller, "unknown", SIGNED)) == {"active": False}
    bearer = caller.token(scope="introspect")
    shown = introspect(caller, token, SIGNED, Authorization=f"Bearer {bearer}")
    assert verified(caller, shown)["client_id"] == "shop"


def test_an_error_of_introspection_is_json_whatever_was_asked_for(caller: Caller) -> None:
    reply = introspect(caller, "x", SIGNED, Authorization="Basic eDp5")
    assert (reply.status, reply.error) == (401, "invalid_client")
    assert reply.headers["content-type"] == "application/json"


def test_the_signed_response_is_no_access_token(caller: Caller) -> None:
    token = introspect(caller, caller.token(), SIGNED).body.decode()
    assert caller.get("/any", token).status == 401


def test_the_metadata_names_the_algorithm(caller: Caller) -> None:
    told = caller.get("/.well-known/oauth-authorization-server").json
    assert told["introspection_signing_alg_values_supported"] == ["ES256"]
