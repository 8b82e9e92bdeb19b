"""Scopes (RFC 6749 section 3.3), and what stands in gateway.yaml about them."""

import pytest

from tests.standards.caller import Caller

DEVICES = ["device_7", "device_8"]


def test_any_client_may_ask_for_an_allowed_pattern_and_each_scope_has_a_token_of_its_own(
    gateway: Caller,
) -> None:
    first, second = (gateway.token(by="other", scope=device) for device in DEVICES)
    assert first != second
    assert [gateway.token(by="other", scope=device) for device in DEVICES] == [first, second]
    told = [gateway.post("/introspect", by="other", token=token).json["scope"] for token in (first, second)]
    assert told == [f"am_application_scope {device}" for device in DEVICES]


def test_ending_one_devices_token_leaves_the_others(gateway: Caller) -> None:
    first, second = (gateway.token(by="shop", scope=device) for device in DEVICES)
    gateway.post("/revoke", token=first)
    assert not gateway.accepts(first)
    assert gateway.accepts(second)


@pytest.mark.parametrize("scope", ["device", "xdevice_7", "admin", "orders.write", "device_7  x", 'a"b', "é"])
def test_a_bad_or_excess_scope_is_invalid_scope(gateway: Caller, scope: str) -> None:
    reply = gateway.post("/token", by="other", grant_type="client_credentials", scope=scope)
    assert (reply.status, reply.error) == (400, "invalid_scope")


def test_the_scope_is_echoed_in_the_answer(gateway: Caller) -> None:
    reply = gateway.post(
        "/token", grant_type="client_credentials", scope="orders.write orders.read orders.write"
    )
    assert reply.json["scope"] == "am_application_scope orders.write orders.read"
