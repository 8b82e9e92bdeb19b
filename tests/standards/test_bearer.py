"""Bearer tokens in requests (RFC 6750), over the wire."""

import re

import pytest

from tests.standards.caller import ISSUER, Caller, Reply

ATTRIBUTE = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def challenge(reply: Reply) -> dict[str, str]:
    scheme, _, rest = reply.headers["www-authenticate"].partition(" ")
    assert scheme == "Bearer"
    found = ATTRIBUTE.findall(rest)
    # Each attribute once, and nothing else between them.
    assert ", ".join(f'{name}="{value}"' for name, value in found) == rest
    assert len({name for name, _ in found}) == len(found)
    return dict(found)


def test_without_credentials_a_challenge_has_no_error_code(gateway: Caller) -> None:
    reply = gateway.get("/orders")
    assert reply.status == 401
    metadata = ISSUER + "/.well-known/oauth-protected-resource/orders"
    assert challenge(reply) == {"realm": "gatepost", "scope": "orders.read", "resource_metadata": metadata}
    assert "scope" not in challenge(gateway.get("/any")), "that route needs none"


def test_a_token_that_is_not_valid_is_401_invalid_token(gateway: Caller) -> None:
    dead = gateway.token(validity_period="600")
    gateway.post("/revoke", token=dead)
    for token in (dead, "gpt_unknown", "x"):
        reply = gateway.get("/orders", token)
        assert reply.status == 401
        assert challenge(reply)["error"] == "invalid_token"


def test_a_token_without_the_scope_is_403_and_the_scope_is_named(gateway: Caller) -> None:
    reply = gateway.get("/orders", gateway.token())
    assert reply.status == 403
    told = challenge(reply)
    assert (told["error"], told["scope"]) == ("insufficient_scope", "orders.read")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_case_insensitive(gateway: Caller, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {gateway.token()}"}
    assert gateway.ask("GET", "/any", headers=headers).status == 200


def test_a_token_in_the_query_or_the_body_is_not_looked_at(gateway: Caller) -> None:
    token = gateway.token()
    assert gateway.get(f"/any?access_token={token}").status == 401
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert gateway.ask("POST", "/any", f"access_token={token}".encode(), form).status == 401
