"""RFC 7662."""

import time
from typing import Any

import pytest

from tests.standards.caller import API, ISSUER, Caller, basic


def told(gateway: Caller, token: str, by: str = "shop") -> dict[str, Any]:
    reply = gateway.post("/introspect", by=by, token=token)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    return reply.json


def test_the_facts_of_a_live_token_are_right(gateway: Caller) -> None:
    issued = gateway.post(
        "/token", grant_type="client_credentials", scope="orders.read", validity_period="600"
    )
    now = time.time()
    facts = told(gateway, issued.json["access_token"])
    expires, begun = facts.pop("exp"), facts.pop("iat")
    assert facts == {
        "active": True,
        "scope": issued.json["scope"],
        "client_id": "shop",
        "token_type": "Bearer",
        "sub": "shop",
        "aud": [API],
        "iss": ISSUER,
    }
    assert 598 <= expires - now <= 602
    assert -2 <= begun - now <= 2


@pytest.mark.parametrize("token", ["unknown", "gpt_" + "A" * 65, "a b", "ü", "\x7f"])
def test_what_is_no_token_is_exactly_inactive(gateway: Caller, token: str) -> None:
    assert gateway.post("/introspect", token=token).body == b'{"active": false}'


def test_a_revoked_or_expired_token_is_exactly_inactive(gateway: Caller) -> None:
    revoked, short = gateway.token(validity_period="600"), gateway.token(validity_period="1")
    ends = time.monotonic() + 1.0
    gateway.post("/revoke", token=revoked)
    assert told(gateway, revoked) == {"active": False}
    time.sleep(max(0.0, ends - time.monotonic()))
    assert told(gateway, short) == {"active": False}


def test_a_caller_outside_the_audience_learns_nothing(gateway: Caller) -> None:
    token = gateway.token(validity_period="600")
    assert gateway.post("/introspect", by="other", token=token).body == b'{"active": false}'


def test_a_client_of_the_audience_and_one_that_may_see_all_are_told(gateway: Caller) -> None:
    token, others = gateway.token(validity_period="600"), gateway.token(by="other", validity_period="600")
    assert told(gateway, token, by="api") == told(gateway, token, by="monitor") == told(gateway, token)
    assert told(gateway, others, by="api") == {"active": False}
    assert told(gateway, others, by="monitor")["client_id"] == "other"


def test_the_caller_must_say_who_it_is(gateway: Caller) -> None:
    token = gateway.token()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    anonymous = gateway.ask("POST", "/introspect", f"token={token}".encode(), headers)
    assert (anonymous.status, anonymous.error) == (401, "invalid_client")
    bearer = {**headers, "Authorization": f"Bearer {token}"}
    assert gateway.ask("POST", "/introspect", f"token={token}".encode(), bearer).status == 401
    assert gateway.ask("POST", "/introspect", b"token=x", headers | basic("shop", "no")).status == 401
