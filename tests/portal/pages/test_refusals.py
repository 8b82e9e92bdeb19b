"""Why calls were refused: of the developer's own applications, and of nobody else's."""

from __future__ import annotations

from uuid import uuid4

from tests.portal.reader import Reader, call


def refused(reader: Reader, gateway: str) -> tuple[str, str]:
    """The id of a request of a new application that lacks a scope, and its key."""
    _, made = reader.keys()
    key, secret = made.value("consumer-key"), made.value("consumer-secret")
    form = {"grant_type": "client_credentials"}
    token = call(gateway, "/token", form, basic=f"{key}:{secret}")[1]["access_token"]
    status, problem = call(gateway, "/orders", bearer=token)
    assert status == 403
    return problem["request_id"], key


def test_the_developer_of_the_application_is_told_what_was_missing(developer: Reader, gateway: str) -> None:
    request_id, key = refused(developer, gateway)
    shown = developer.open(f"/portal/refusals?request={request_id}").words
    assert "GET /orders got 403 (900910)" in shown
    assert "Needed scopes orders.read" in shown
    assert "Missing scopes orders.read" in shown
    assert key in shown
    assert "/portal/refusals" in developer.open("/portal/usage").html


def test_nobody_else_is_told_but_administrators(
    developer: Reader, admin: Reader, reader: Reader, gateway: str
) -> None:
    request_id, _ = refused(admin, gateway)
    path = f"/portal/refusals?request={request_id}"
    assert "got 403" in admin.open(path).words
    own, _ = refused(developer, gateway)
    assert "got 403" in admin.open(f"/portal/refusals?request={own}").words, "they see all applications"
    for unknown in (request_id, uuid4().hex, "%22%7D", "%3Cb%3E"):
        shown = developer.open(f"/portal/refusals?request={unknown}").words
        assert "No refused call of your applications has this request id" in shown
        assert "got 403" not in shown
    assert "Request id" not in reader.open(path).words, "first one must sign in"


def test_a_call_of_nobody_known_is_shown_to_no_developer(developer: Reader, gateway: str) -> None:
    _, problem = call(gateway, "/orders", bearer="made-up")
    shown = developer.open(f"/portal/refusals?request={problem['request_id']}").words
    assert "No refused call" in shown
