"""The token endpoint (RFC 6749, RFC 8707)."""

import base64
import math
import re
from urllib.parse import quote_plus, urlencode

import pytest

from tests.conftest import Valkey
from tests.standards.caller import API, FORM, ODD_ID, ODD_SECRET, Caller, Reply, basic

OWN = b"grant_type=client_credentials&validity_period=600"
# RFC 6749 section 5.2.
ERROR_TEXT = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
SHOP = basic("shop", "shop-secret")


def asked(gateway: Caller, body: bytes, headers: dict[str, str], path: str = "/token") -> Reply:
    reply = gateway.ask("POST", path, body, {"Content-Type": FORM, **headers})
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["pragma"] == "no-cache"
    if reply.status != 200:
        assert ERROR_TEXT.fullmatch(reply.error)
        assert ERROR_TEXT.fullmatch(reply.json["error_description"])
    return reply


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_only_post_gets_a_token(gateway: Caller, method: str) -> None:
    reply = gateway.ask(method, "/token?" + OWN.decode(), headers=SHOP)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "query", ["client_secret=shop-secret", "client_id=shop&client_secret=x", "password=x"]
)
def test_credentials_in_the_uri_are_refused_even_beside_good_ones(gateway: Caller, query: str) -> None:
    assert asked(gateway, OWN, SHOP, "/token?" + query).error == "invalid_request"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_a_body_that_is_no_form_is_invalid_request(gateway: Caller, kind: str) -> None:
    reply = asked(gateway, OWN, SHOP | {"Content-Type": kind})
    assert (reply.status, reply.error) == (400, "invalid_request")


def test_a_client_says_who_it_is_by_basic_or_in_the_form(gateway: Caller) -> None:
    assert asked(gateway, OWN, SHOP).status == 200
    post = OWN + b"&client_id=shop&client_secret=shop-secret"
    assert asked(gateway, post, {}).status == 200


def test_each_half_of_basic_is_form_decoded(gateway: Caller) -> None:
    encoded = basic(quote_plus(ODD_ID), quote_plus(ODD_SECRET))
    assert asked(gateway, OWN, encoded).status == 200
    form = urlencode({"client_id": ODD_ID, "client_secret": ODD_SECRET}).encode()
    assert asked(gateway, OWN + b"&" + form, {}).status == 200


def test_two_ways_at_once_are_invalid_request(gateway: Caller) -> None:
    both = OWN + b"&client_id=shop&client_secret=shop-secret"
    assert asked(gateway, both, SHOP).error == "invalid_request"


@pytest.mark.parametrize(
    "header",
    [
        basic("dated", "wrong")["Authorization"],
        basic("nobody", "shop-secret")["Authorization"],
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Bearer abc",
    ],
)
def test_a_failed_authentication_is_401_with_a_challenge(gateway: Caller, header: str) -> None:
    reply = asked(gateway, OWN, {"Authorization": header})
    assert (reply.status, reply.error) == (401, "invalid_client")
    assert reply.headers["www-authenticate"] == 'Basic realm="gatepost"'
    assert reply.json["error_description"] == "Client authentication failed."


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "invalid_request"),
        (b"grant_type=", "invalid_request"),
        (b"grant_type=magic", "unsupported_grant_type"),
        (b"grant_type=authorization_code&code=x", "unsupported_grant_type"),
        (b"grant_type=password&username=a&password=b", "unauthorized_client"),
    ],
)
def test_each_wrong_grant_type_has_its_own_error(gateway: Caller, body: bytes, error: str) -> None:
    reply = asked(gateway, body, SHOP)
    assert (reply.status, reply.error) == (400, error)


def test_a_repeated_parameter_is_refused_an_unknown_one_ignored_an_empty_one_absent(gateway: Caller) -> None:
    assert asked(gateway, OWN + b"&grant_type=client_credentials", SHOP).error == "invalid_request"
    assert asked(gateway, OWN + b"&scope=default&scope=default", SHOP).error == "invalid_request"
    assert asked(gateway, OWN + b"&unknown=1&other=2", SHOP).status == 200
    assert asked(gateway, OWN + b"&scope=&resource=", SHOP).json["scope"] == "am_application_scope default"


def test_client_credentials_never_get_a_refresh_token(gateway: Caller) -> None:
    assert set(asked(gateway, OWN, SHOP).json) == {"access_token", "scope", "token_type", "expires_in"}


def test_nobody_guesses_a_token(gateway: Caller) -> None:
    """At most 2^-160 (RFC 6749 section 10.10): 248 random bits, each token in another way.

    The first character is the group of the client's keys in the store.
    """
    tokens = [asked(gateway, OWN, SHOP).json["access_token"] for _ in range(20)]
    parts = [token.removeprefix("gpt_")[:43] for token in tokens]
    assert len(set(parts)) == len(parts)
    for place in range(1, 43):
        assert len({part[place] for part in parts}) > 1
    assert math.log2(64) * 41 > 160


def test_expires_in_is_the_stores_ttl(gateway: Caller, valkey: Valkey) -> None:
    with valkey.client as store:
        before = set(store.scan_iter("standards:t:*"))
        answer = asked(gateway, OWN, SHOP).json
        (key,) = set(store.scan_iter("standards:t:*")) - before
        assert answer["expires_in"] == 600
        assert 580_000 <= store.pttl(key) <= 600_000


@pytest.mark.parametrize("period", ["0", "-1", "1.5", "86401", "1e3", "x", "9" * 40, "٣"])
def test_a_validity_period_is_whole_seconds_up_to_the_most(gateway: Caller, period: str) -> None:
    body = urlencode({"grant_type": "client_credentials", "validity_period": period}).encode()
    assert asked(gateway, body, SHOP).error == "invalid_request"


def test_a_resource_becomes_the_audience(gateway: Caller) -> None:
    token = gateway.token(resource=API)
    assert gateway.post("/introspect", token=token).json["aud"] == [API]
    assert gateway.get("/for/api", token).status == 200
    assert gateway.get("/for/api", gateway.token(by="other")).status == 403


@pytest.mark.parametrize(
    "resource", ["orders", "/orders", API + "#part", "https://other.example", "https://[", "ü:x"]
)
def test_a_resource_that_is_not_absolute_or_not_the_clients_is_invalid_target(
    gateway: Caller, resource: str
) -> None:
    reply = gateway.post("/token", grant_type="client_credentials", resource=resource)
    assert (reply.status, reply.error) == (400, "invalid_target")
