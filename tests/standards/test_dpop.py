"""Tokens that are bound to a key: RFC 9449."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.standards.caller import ISSUER, Reply, basic
from tests.standards.prover import Prover

OTHER = "RS256"


def denied(reply: Reply, error: str = "invalid_token", scheme: str = "DPoP") -> None:
    assert reply.status == 401, reply.body
    challenge = reply.headers["www-authenticate"]
    assert challenge.startswith(f"{scheme} "), challenge
    assert f'error="{error}"' in challenge
    assert ('algs="RS256 PS256 ES256 EdDSA' in challenge) == (scheme == "DPoP")


def sent(reply: Reply) -> dict[str, str]:
    """What the upstream got."""
    return {name.lower(): value for name, value in reply.json}  # type: ignore[misc]  # a list of pairs


def test_a_proof_binds_the_token(prover: Prover) -> None:
    token = prover.bound("secret")
    found = prover.post("/introspect", {"token": token}, basic("secret", "secret-secret")).json
    assert found["token_type"] == "DPoP"
    assert found["cnf"] == {"jkt": prover.keys.signers["ES256"].jkt}
    assert prover.use(token).status == 200


def test_a_bound_token_is_no_bearer_token(prover: Prover) -> None:
    token = prover.bound()
    for _ in range(6):
        # On each worker, also when it knows the token already.
        denied(prover.use(token, scheme="Bearer"), scheme="Bearer")
        proof = prover.proof("GET", "/any", token)
        denied(prover.use(token, scheme="Bearer", DPoP=proof), scheme="Bearer")
        assert prover.use(token).status == 200


def test_a_bearer_token_needs_no_proof_and_takes_none(prover: Prover) -> None:
    token = prover.token().json["access_token"]
    assert prover.use(token, scheme="Bearer").status == 200
    denied(prover.use(token))


def test_bound_and_unbound_tokens_are_never_exchanged_for_each_other(prover: Prover) -> None:
    other = prover.keys.signers[OTHER].proof("POST", ISSUER + "/token", time.time())
    tokens = [
        prover.token().json["access_token"],
        prover.bound("secret"),
        prover.token(headers={"DPoP": other}).json["access_token"],
    ]
    assert len(set(tokens)) == 3
    assert prover.bound("secret") == tokens[1], "the live token of the same key is given out again"


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "POST"},
        {"htu": ISSUER + "/other"},
        {"htu": "http://auth.example.test/any"},
        {"htu": "https://api.example.test/any"},
        {"iat": 1},
        {"iat": None},
        {"jti": None},
        {"ath": None},
        {"ath": "x"},
        {"token": "another"},
        {"header": {"typ": "JWT"}},
        {"header": {"alg": "none"}},
        {"header": {"jwk": {}}},
    ],
)
def test_a_wrong_proof_is_denied(prover: Prover, changes: dict[str, Any]) -> None:
    token = prover.bound()
    proof = prover.proof("GET", "/any", **{"token": token, **changes})
    denied(prover.use(token, DPoP=proof), "invalid_dpop_proof")


@pytest.mark.parametrize("proof", ["", "x", "a.b.c", "\xff", "." * 9000])
def test_nonsense_is_denied(prover: Prover, proof: str) -> None:
    denied(prover.use(prover.bound(), DPoP=proof), "invalid_dpop_proof")


def test_another_key_is_denied(prover: Prover) -> None:
    token = prover.bound()
    now = time.time()
    proof = prover.keys.signers[OTHER].proof("GET", ISSUER + "/any", now, token)
    denied(prover.use(token, DPoP=proof), "invalid_dpop_proof")


def test_a_proof_is_taken_once(prover: Prover) -> None:
    token = prover.bound()
    proof = prover.proof("GET", "/any", token)
    assert prover.use(token, DPoP=proof).status == 200
    denied(prover.use(token, DPoP=proof), "invalid_dpop_proof")


def test_of_the_same_proof_at_once_one_is_taken(prover: Prover) -> None:
    token = prover.bound()
    proof = prover.proof("GET", "/any", token)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: prover.use(token, DPoP=proof), range(8)))
    assert sorted(reply.status for reply in replies) == [200] + [401] * 7


def test_query_and_spelling_of_the_uri_do_not_matter(prover: Prover) -> None:
    token = prover.bound()
    proof = prover.proof("GET", token=token, htu="HTTPS://AUTH.example.test:443/an%79")
    head = {"Authorization": f"dpop {token}", "DPoP": proof}
    assert prover.ask("GET", "/any?a=b", head).status == 200


def test_a_route_with_a_host_is_named_by_it(prover: Prover) -> None:
    token = prover.bound()
    for host, path in [("api.example.test", "/api"), ("eu.example.test", "/each")]:
        proof = prover.proof("GET", token=token, htu=f"https://{host}{path}")
        assert prover.use(token, path, DPoP=proof, Host=host).status == 200
        wrong = prover.proof("GET", token=token, htu=ISSUER + path)
        denied(prover.use(token, path, DPoP=wrong, Host=host), "invalid_dpop_proof")


def test_host_does_not_choose_what_a_proof_is_for(prover: Prover) -> None:
    token = prover.bound()
    proof = prover.proof("GET", token=token, htu="https://evil.example/any")
    denied(prover.use(token, DPoP=proof, Host="evil.example"), "invalid_dpop_proof")


def test_two_tokens_or_none(prover: Prover) -> None:
    proof = prover.proof("GET", "/any", "x")
    missing = prover.ask("GET", "/any", {"DPoP": proof})
    assert (missing.status, missing.json["code"]) == (401, "900902")
    assert "error" not in missing.headers["www-authenticate"]
    denied(prover.use("gpt_unknown"))
    assert prover.ask("GET", "/any", {"Authorization": "DPoP", "DPoP": proof}).status == 400


def test_the_proof_stays_at_the_gateway(prover: Prover) -> None:
    token = prover.bound()
    got = sent(prover.use(token))
    assert "dpop" not in got
    assert "authorization" not in got
    passed = sent(prover.use(token, "/passed"))
    assert passed["authorization"] == f"DPoP {token}"
    assert "dpop" in passed


def test_who_must_send_a_proof_gets_nothing_without(prover: Prover) -> None:
    reply = prover.token("dpop")
    assert (reply.status, reply.error) == (400, "invalid_dpop_proof")
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "changes", [{"htm": "GET"}, {"path": "/any"}, {"iat": 1}, {"header": {"typ": "JWT"}}]
)
def test_a_wrong_proof_at_the_token_endpoint_is_an_error(prover: Prover, changes: dict[str, Any]) -> None:
    reply = prover.token("secret", {"DPoP": prover.proof(**changes)})
    assert (reply.status, reply.error) == (400, "invalid_dpop_proof")


def test_a_proof_for_the_token_endpoint_is_taken_once(prover: Prover) -> None:
    proof = prover.proof()
    assert prover.token(headers={"DPoP": proof}).status == 200
    assert prover.token(headers={"DPoP": proof}).error == "invalid_dpop_proof"


def test_a_nonce_is_asked_for_and_serves_on_all_workers(nonce_prover: Prover) -> None:
    prover = nonce_prover
    first = prover.token("dpop", {"DPoP": prover.proof()})
    assert (first.status, first.error) == (400, "use_dpop_nonce")
    nonce = first.headers["dpop-nonce"]
    for _ in range(6):
        reply = prover.token("dpop", {"DPoP": prover.proof(nonce=nonce)})
        assert reply.status == 200
    token = reply.json["access_token"]
    asked = prover.use(token)
    denied(asked, "use_dpop_nonce")
    nonce = asked.headers["dpop-nonce"]
    for _ in range(6):
        assert prover.use(token, DPoP=prover.proof("GET", "/any", token, nonce=nonce)).status == 200
    denied(prover.use(token, DPoP=prover.proof("GET", "/any", token, nonce="made-up")), "use_dpop_nonce")


def test_a_token_without_a_proof_is_still_a_bearer_token(nonce_prover: Prover) -> None:
    reply = nonce_prover.token()
    assert reply.json["token_type"] == "Bearer"
    assert "dpop-nonce" not in reply.headers


def test_a_jwt_is_bound_and_judged_alike(prover: Prover) -> None:
    token = prover.bound("jwt")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["cnf"] == {"jkt": prover.keys.signers["ES256"].jkt}
    assert prover.use(token).status == 200
    denied(prover.use(token, scheme="Bearer"), scheme="Bearer")
    denied(prover.use(token, DPoP=prover.proof("GET", "/any", token, ath="x")), "invalid_dpop_proof")
