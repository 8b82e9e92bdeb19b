"""RFC 7662."""

import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.standards.caller import API, FORM, ISSUER, Caller, Reply, basic


def introspected(gateway: Caller, token: str, by: str = "shop") -> dict[str, Any]:
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
    facts = introspected(gateway, issued.json["access_token"])
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
    assert 580 <= expires - now <= 602
    assert -20 <= begun - now <= 2
    assert expires - begun == 600


@pytest.mark.parametrize("token", ["unknown", "gpt_" + "A" * 65, "a b", "ü", "\x7f"])
def test_what_is_no_token_is_exactly_inactive(gateway: Caller, token: str) -> None:
    assert gateway.post("/introspect", token=token).body == b'{"active": false}'


def test_a_revoked_or_expired_token_is_exactly_inactive(gateway: Caller) -> None:
    revoked, short = gateway.token(validity_period="600"), gateway.token(validity_period="1")
    ends = time.monotonic() + 1.0
    gateway.post("/revoke", token=revoked)
    assert introspected(gateway, revoked) == {"active": False}
    time.sleep(max(0.0, ends - time.monotonic()))
    assert introspected(gateway, short) == {"active": False}


def test_a_caller_outside_the_audience_learns_nothing(gateway: Caller) -> None:
    token = gateway.token(validity_period="600")
    assert gateway.post("/introspect", by="other", token=token).body == b'{"active": false}'


def test_a_client_of_the_audience_and_one_that_may_see_all_are_reported(gateway: Caller) -> None:
    token, others = gateway.token(validity_period="600"), gateway.token(by="other", validity_period="600")
    assert (
        introspected(gateway, token, by="api")
        == introspected(gateway, token, by="monitor")
        == introspected(gateway, token)
    )
    assert introspected(gateway, others, by="api") == {"active": False}
    assert introspected(gateway, others, by="monitor")["client_id"] == "other"


def test_the_caller_must_say_who_it_is(gateway: Caller) -> None:
    token = gateway.token()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    anonymous = gateway.ask("POST", "/introspect", f"token={token}".encode(), headers)
    assert (anonymous.status, anonymous.error) == (401, "invalid_client")
    assert gateway.ask("POST", "/introspect", b"token=x", headers | basic("shop", "no")).status == 401


def shown(gateway: Caller, bearer: str, token: str) -> Reply:
    headers = {"Content-Type": FORM, "Authorization": f"Bearer {bearer}"}
    return gateway.ask("POST", "/introspect", urlencode({"token": token}).encode(), headers)


def test_a_token_with_the_scope_introspect_sees_every_token(gateway: Caller) -> None:
    bearer = gateway.token(by="inspector", scope="introspect")
    token = gateway.token(scope="orders.read", validity_period="600")
    reply = shown(gateway, bearer, token)
    assert (reply.status, reply.json["active"], reply.json["client_id"]) == (200, True, "shop")
    assert shown(gateway, bearer, "gpt_unknown").json == {"active": False}


def test_a_token_without_the_scope_introspect_is_403(gateway: Caller) -> None:
    token = gateway.token(scope="orders.read")
    reply = shown(gateway, token, token)
    assert (reply.status, reply.error) == (403, "insufficient_scope")
    assert 'error="insufficient_scope", scope="introspect"' in reply.headers["www-authenticate"]


@pytest.mark.parametrize("bearer", ["gpt_unknown", "gpt_" + "A" * 65, "x"])
def test_a_token_that_is_not_valid_introspects_nothing(gateway: Caller, bearer: str) -> None:
    reply = shown(gateway, bearer, gateway.token())
    assert (reply.status, reply.error) == (401, "invalid_token")
    assert reply.headers["www-authenticate"].startswith("Bearer ")


def test_a_refresh_token_introspects_nothing(gateway: Caller) -> None:
    refresh = gateway.log_in()["refresh_token"]
    assert shown(gateway, refresh, gateway.token()).status == 401
