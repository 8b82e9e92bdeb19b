"""Bound tokens of requests that another proxy forwards: proof and certificate are those of the request."""

from __future__ import annotations

import ssl

from tests.standards.caller import Reply
from tests.standards.prover import PROXY, Prover
from tests.standards.test_mtls import client_cert, token_of


def asked(prover: Prover, headers: dict[str, str], *, source: str = PROXY) -> Reply:
    described = {"X-Original-Method": "PATCH", "X-Original-URL": "http://inner.example/any/7?a=1"}
    return prover.ask("GET", "/auth/verify", {**described, **headers}, source=source)


def test_a_dpop_proof_names_the_described_request(prover: Prover) -> None:
    token = prover.bound()
    shown = {"Authorization": f"DPoP {token}"}
    for method, path, status in (
        ("PATCH", "/any/7", 200),
        ("GET", "/any/7", 401),
        ("PATCH", "/auth/verify", 401),
    ):
        reply = asked(prover, {**shown, "DPoP": prover.proof(method, path, token)})
        assert reply.status == status
    assert reply.headers["www-authenticate"].startswith("DPoP ")
    proof = prover.proof("PATCH", "/any/7", token)
    assert [asked(prover, {**shown, "DPoP": proof}).status for _ in range(2)] == [200, 401], "it is used once"


def test_a_token_bound_to_a_certificate_needs_the_one_that_the_proxy_tells_of(prover: Prover) -> None:
    context: ssl.SSLContext = prover.keys.tls(prover.keys.shop)
    bearer = {"Authorization": f"Bearer {token_of(prover.token('mtls', tls=context))}"}
    assert asked(prover, {**bearer, "Client-Cert": client_cert(prover.keys.shop)}).status == 200
    assert asked(prover, {**bearer, "Client-Cert": client_cert(prover.keys.other)}).status == 401
    assert asked(prover, bearer).status == 401


def test_who_is_no_proxy_is_told_nothing(prover: Prover) -> None:
    context: ssl.SSLContext = prover.keys.tls(prover.keys.shop)
    bearer = {"Authorization": f"Bearer {token_of(prover.token('mtls', tls=context))}"}
    shown = {**bearer, "Client-Cert": client_cert(prover.keys.shop)}
    assert asked(prover, shown, source="127.0.0.1").status == 403
