"""How clients prove who they are: RFC 6749 section 2.3, RFC 7523, RFC 8705 section 2."""

from __future__ import annotations

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.client_keys import ASSERTION_TYPE, Signer
from tests.standards.caller import ISSUER, Reply, basic
from tests.standards.prover import ALGORITHMS, PROXY, Prover


def refused(reply: Reply) -> None:
    assert (reply.status, reply.error) == (401, "invalid_client"), reply.body
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_client_signs_who_it_is(prover: Prover, algorithm: str) -> None:
    reply = prover.signed(prover.assertion(key=algorithm))
    assert reply.status == 200, reply.body
    assert reply.json["token_type"] == "Bearer"


def test_a_clients_keys_may_lie_in_a_file(prover: Prover) -> None:
    assert prover.signed(prover.assertion("file")).status == 200


def test_every_endpoint_takes_an_assertion(prover: Prover) -> None:
    token = prover.signed(prover.assertion()).json["access_token"]
    found = prover.signed(prover.assertion(), "/introspect", token=token)
    assert found.json["active"] is True
    assert prover.signed(prover.assertion(), "/revoke", token=token).status == 200
    assert prover.signed(prover.assertion(), "/introspect", token=token).json == {"active": False}


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "secret"},
        {"sub": "secret"},
        {"exp": None},
        {"exp": time.time() - 3600},
        {"exp": time.time() + 8000},
        {"jti": None},
        {"aud": ISSUER + "/token"},
        {"aud": [ISSUER, ISSUER + "/token"]},
        {"aud": "https://other.example"},
        {"aud": None},
        {"header": {"typ": "dpop+jwt"}},
        {"by": "secret"},
        {"by": "nobody"},
        {"by": "own"},
    ],
)
def test_a_wrong_assertion_is_an_invalid_client(prover: Prover, changes: dict[str, Any]) -> None:
    refused(prover.signed(prover.assertion(**changes)))


@pytest.mark.parametrize("assertion", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\u00e9", "." * 5000])
def test_nonsense_is_an_invalid_client(prover: Prover, assertion: str) -> None:
    refused(prover.signed(assertion))


def test_a_strangers_key_is_an_invalid_client(prover: Prover) -> None:
    refused(prover.signed(Signer("ES256").assertion("keys", ISSUER, time.time())))


def test_an_assertion_is_taken_once(prover: Prover) -> None:
    assertion = prover.assertion()
    assert prover.signed(assertion).status == 200
    refused(prover.signed(assertion))
    refused(prover.signed(assertion, "/introspect", token="x"))


def test_of_the_same_assertion_at_once_one_is_taken(prover: Prover) -> None:
    """On two workers; connections are shared out among them."""
    assertion = prover.assertion("file")
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: prover.signed(assertion), range(8)))
    assert sorted(reply.status for reply in replies) == [200] + [401] * 7


def test_two_ways_at_once_are_an_invalid_request(prover: Prover) -> None:
    for headers, form in [
        (basic("keys", "x"), {}),
        ({}, {"client_id": "keys", "client_secret": "x"}),
        ({}, {"client_id": "secret"}),
    ]:
        reply = prover.signed(prover.assertion(), "/token", headers, **form)
        assert (reply.status, reply.error) == (400, "invalid_request")


def test_half_an_assertion_is_none(prover: Prover) -> None:
    for form, error in [
        ({"client_assertion": prover.assertion()}, "invalid_request"),
        ({"client_assertion_type": ASSERTION_TYPE}, "invalid_request"),
        ({"client_assertion": prover.assertion(), "client_assertion_type": "urn:x"}, "invalid_client"),
    ]:
        assert prover.post("/token", {"grant_type": "client_credentials", **form}).error == error


def test_a_method_that_is_not_the_clients_is_an_invalid_client(prover: Prover) -> None:
    refused(prover.token("post"))
    form = {"grant_type": "client_credentials", "client_id": "post", "client_secret": "post-secret"}
    assert prover.post("/token", form).status == 200
    refused(prover.post("/token", {**form, "client_id": "keys", "client_secret": ""}))


def by_certificate(prover: Prover, client: str, certificate: Any, **how: Any) -> Reply:
    form = {"grant_type": "client_credentials", "client_id": client}
    return prover.post("/token", form, tls=prover.keys.tls(certificate), **how)


def test_a_client_shows_its_certificate(prover: Prover) -> None:
    keys = prover.keys
    assert by_certificate(prover, "subject", keys.shop).status == 200
    assert by_certificate(prover, "own", keys.own).status == 200


def test_another_certificate_is_an_invalid_client(prover: Prover) -> None:
    keys = prover.keys
    refused(by_certificate(prover, "subject", keys.other))
    refused(by_certificate(prover, "subject", keys.own))
    refused(by_certificate(prover, "subject", keys.impostor))
    refused(by_certificate(prover, "own", keys.shop))
    refused(by_certificate(prover, "secret", keys.shop))
    refused(by_certificate(prover, "nobody", keys.shop))
    refused(by_certificate(prover, "subject", None))


def test_who_has_no_certificate_may_use_another_way(prover: Prover) -> None:
    assert prover.token(tls=prover.keys.tls()).status == 200
    assert prover.token(tls=prover.keys.tls(prover.keys.other)).status == 200


def test_a_certificate_that_nobody_vouches_for_does_not_come_in(prover: Prover) -> None:
    with pytest.raises(OSError, match=r"(?i)alert|reset|eof|closed|broken"):
        by_certificate(prover, "subject", prover.keys.stranger)


def client_cert(der: bytes) -> dict[str, str]:
    """RFC 9440 section 2.2."""
    return {"Client-Cert": f":{base64.b64encode(der).decode()}:"}


def test_a_trusted_proxy_tells_of_the_certificate(prover: Prover) -> None:
    form = {"grant_type": "client_credentials", "client_id": "subject"}
    assert prover.post("/token", form, client_cert(prover.keys.shop.der), source=PROXY).status == 200
    refused(prover.post("/token", form, client_cert(prover.keys.other.der), source=PROXY))


def test_nobody_else_does(prover: Prover) -> None:
    form = {"grant_type": "client_credentials", "client_id": "subject"}
    refused(prover.post("/token", form, client_cert(prover.keys.shop.der)))


def test_a_proxys_own_certificate_is_not_its_callers(prover: Prover) -> None:
    refused(by_certificate(prover, "subject", prover.keys.shop, source=PROXY))


@pytest.mark.parametrize("value", ["", ":", "::", "x", ":!:", ":AAAA:", ":AAAA:, :AAAA:", "\xff", ":" * 5000])
def test_a_malformed_certificate_is_none(prover: Prover, value: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": "subject"}
    refused(prover.post("/token", form, {"Client-Cert": value}, source=PROXY))
