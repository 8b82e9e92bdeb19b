"""The APIs that a developer may call."""

from __future__ import annotations

from tests.portal.reader import Reader


def test_every_route_is_there_with_its_methods_scopes_and_a_command(developer: Reader) -> None:
    shown = developer.open("/portal/apis")
    assert "a token with the scope orders.read" in shown.words
    assert "public, no token needed" in shown.words
    assert 'curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:1/orders' in shown.words
    assert "curl -X POST" in shown.words
    assert "/orders and below" in shown.words


def test_they_can_be_searched(developer: Reader) -> None:
    found = developer.open("/portal/apis?search=status").words
    assert "/status" in found
    assert "/orders" not in found
    assert "No results for “zzz”." in developer.open("/portal/apis?search=zzz").words


def test_strangers_are_not_told(reader: Reader) -> None:
    assert "/sign-in" in reader.open("/portal/apis").url
