"""Tokens that are bound to a TLS certificate: RFC 8705 section 3; certificates in headers: RFC 9440."""

from __future__ import annotations

import base64
import hashlib
import ssl

import pytest

from tests.certificates import Certificate
from tests.client_keys import b64
from tests.standards.caller import Reply, basic
from tests.standards.prover import PROXY, Prover


@pytest.fixture
def shop(prover: Prover) -> ssl.SSLContext:
    return prover.keys.tls(prover.keys.shop)


def token_of(reply: Reply) -> str:
    assert reply.status == 200, reply.body
    assert reply.json["token_type"] == "Bearer"
    return str(reply.json["access_token"])


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **more}


def denied(reply: Reply) -> None:
    assert reply.status == 401
    assert 'error="invalid_token"' in reply.headers["www-authenticate"]
    assert reply.json["code"] == "900901"


def client_cert(certificate: Certificate) -> str:
    return f":{base64.b64encode(certificate.der).decode()}:"


def test_a_token_is_bound_to_the_certificate(prover: Prover, shop: ssl.SSLContext) -> None:
    token = token_of(prover.token("mtls", tls=shop))
    found = prover.post("/introspect", {"token": token}, basic("mtls", "mtls-secret")).json
    assert found["cnf"] == {"x5t#S256": b64(hashlib.sha256(prover.keys.shop.der).digest())}
    assert prover.ask("GET", "/any", bearer(token), tls=shop).status == 200


def test_without_it_or_with_another_the_token_is_invalid(prover: Prover, shop: ssl.SSLContext) -> None:
    token = token_of(prover.token("mtls", tls=shop))
    for _ in range(6):
        # On each worker, also when it knows the token already.
        assert prover.ask("GET", "/any", bearer(token), tls=shop).status == 200
        denied(prover.ask("GET", "/any", bearer(token)))
    denied(prover.ask("GET", "/any", bearer(token), tls=prover.keys.tls()))
    denied(prover.ask("GET", "/any", bearer(token), tls=prover.keys.tls(prover.keys.other)))


def test_a_header_from_outside_is_no_certificate(prover: Prover, shop: ssl.SSLContext) -> None:
    token = token_of(prover.token("mtls", tls=shop))
    claimed = bearer(token, **{"Client-Cert": client_cert(prover.keys.shop)})
    denied(prover.ask("GET", "/any", claimed))
    assert prover.ask("GET", "/any", claimed, source=PROXY).status == 200
    claimed["Client-Cert"] = client_cert(prover.keys.other)
    denied(prover.ask("GET", "/any", claimed, source=PROXY))
    denied(prover.ask("GET", "/any", bearer(token), source=PROXY))
    denied(prover.ask("GET", "/any", bearer(token), source=PROXY, tls=shop))


def test_who_must_show_a_certificate_gets_nothing_without(prover: Prover) -> None:
    for how in ({}, {"tls": prover.keys.tls()}):
        reply = prover.token("mtls", **how)
        assert (reply.status, reply.error) == (400, "invalid_request")


def test_each_certificate_has_a_token_of_its_own(prover: Prover, shop: ssl.SSLContext) -> None:
    one = token_of(prover.token("mtls", tls=shop))
    other = token_of(prover.token("mtls", tls=prover.keys.tls(prover.keys.other)))
    assert one != other
    assert token_of(prover.token("mtls", tls=shop)) == one


def test_who_need_not_show_one_is_not_bound(prover: Prover, shop: ssl.SSLContext) -> None:
    assert prover.ask("GET", "/any", bearer(token_of(prover.token(tls=shop)))).status == 200


def test_a_token_may_be_bound_to_both(prover: Prover, shop: ssl.SSLContext) -> None:
    token = prover.bound("both", tls=shop)

    def use(tls: ssl.SSLContext | None, scheme: str = "DPoP") -> int:
        proof = {"DPoP": prover.proof("GET", "/any", token)}
        return prover.ask("GET", "/any", {"Authorization": f"{scheme} {token}", **proof}, tls=tls).status

    assert use(shop) == 200
    assert use(shop, "Bearer") == 401
    assert use(None) == 401
    assert use(prover.keys.tls(prover.keys.other)) == 401


@pytest.mark.parametrize("source", ["127.0.0.1", PROXY])
@pytest.mark.parametrize(
    "name",
    [
        "Client-Cert",
        "client_cert",
        "Client.Cert",
        "CLIENT-CERT-CHAIN",
        "X-Forwarded-Client-Cert",
        "x_forwarded_client_cert",
        "X-Forwarded-Tls-Client-Cert",
        "X-Forwarded-Tls-Client-Cert-Info",
        "X-SSL-Client-Cert",
        "X-Ssl-Client-Verify",
        "Ssl-Client-Cert",
        "SSL_CLIENT_S_DN",
        "X-Client-Cert",
        "X-ARR-ClientCert",
        "X-Amzn-Mtls-Clientcert-Leaf",
    ],
)
def test_no_certificate_header_goes_upstream(prover: Prover, name: str, source: str) -> None:
    headers = prover.ask("GET", "/open", {name: "forged", "X-Other": "kept"}, source=source).json
    values = [value for _, value in headers]
    assert "kept" in values
    assert "forged" not in values


def test_the_metadata_tells_of_it(prover: Prover) -> None:
    server = prover.ask("GET", "/.well-known/oauth-authorization-server").json
    assert server["token_endpoint_auth_methods_supported"] == [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
    ]
    algorithms = server["token_endpoint_auth_signing_alg_values_supported"]
    assert {"RS256", "PS256", "ES256", "EdDSA"} <= set(algorithms)
    assert not {"none", "HS256"} & set(algorithms)
    assert server["dpop_signing_alg_values_supported"] == algorithms
    assert server["tls_client_certificate_bound_access_tokens"] is True
    resource = prover.ask("GET", "/.well-known/oauth-protected-resource/any").json
    assert resource["tls_client_certificate_bound_access_tokens"] is True
    assert resource["dpop_signing_alg_values_supported"] == algorithms


def test_a_jwt_is_bound_alike(prover: Prover, shop: ssl.SSLContext) -> None:
    token = token_of(prover.token("jwt-mtls", tls=shop))
    assert token.count(".") == 2
    assert prover.ask("GET", "/any", bearer(token), tls=shop).status == 200
    denied(prover.ask("GET", "/any", bearer(token)))
