"""Which changes are told as notices, and in which words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.notices.events import DAY, PortalEvent, events_of, expiring, warning_due
from gateway.oauth.api_subscription import ApiSubscription
from gateway.oauth.application import Application
from gateway.oauth.model import Client, Secret
from gateway.oauth.user import User
from gateway.oauth.user_mail import UserMail

PENDING = ApiSubscription("Orders", "pending", ("orders.read",), "", "please", 5, "ann")
APPROVED = replace(PENDING, state="approved", decided=6, decided_by="root", answer="fine", tier="gold")
APPLICATION = Application("App1", "Shop", "file:ann", subscriptions=(APPROVED, replace(PENDING, api="Other")))
ASKED = {
    "application": "App1",
    "api": "Orders",
    "scopes": ["orders.read"],
    "note": "please",
    "asked_by": "ann",
}
DECIDED = ASKED | {"tier": "gold", "decided_by": "root", "answer": "fine"}
ENDED = ASKED | {"tier": "gold"}


@pytest.mark.parametrize(
    ("action", "before", "after", "told"),
    [
        ("subscription.request", None, PENDING, [("subscription.requested", ASKED)]),
        ("subscription.request", APPROVED, PENDING, [("subscription.requested", ASKED)]),
        ("subscription.approve", PENDING, APPROVED, [("subscription.approved", DECIDED)]),
        ("subscription.refuse", PENDING, APPROVED, [("subscription.refused", DECIDED)]),
        ("subscription.end", APPROVED, APPROVED, [("subscription.ended", DECIDED)]),
        ("subscription.withdraw", APPROVED, None, [("subscription.ended", ENDED)]),
        ("subscription.withdraw", PENDING, None, []),
        ("application.delete", APPLICATION, None, [("subscription.ended", ENDED)]),
        ("application.create", None, APPLICATION, []),
        ("user.create", None, User("eve", "h", pending=True), [("user.signed_up", None)]),
        ("user.create", None, User("eve", "h"), []),
        ("client.create", None, Client("c"), []),
    ],
)
def test_a_change_is_told_or_not(
    action: str, before: object, after: object, told: list[tuple[str, dict[str, object] | None]]
) -> None:
    found = list(events_of(action, "App1", before, after))
    expected = [
        PortalEvent(name, data, "App1")
        if data
        else PortalEvent(name, {"user": "eve", "waits_for_approval": True})
        for name, data in told
    ]
    assert found == expected


def test_a_notice_s_body_has_type_timestamp_and_data() -> None:
    body = json.loads(PortalEvent("user.signed_up", {"user": "eve"}).body(1_800_000_000.9))
    assert body == {"type": "user.signed_up", "timestamp": "2027-01-15T08:00:00Z", "data": {"user": "eve"}}


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (8 * DAY, None),
        (7 * DAY + 1, None),
        (7 * DAY, 7),
        (DAY + 1, 7),
        (DAY, 1),
        (1, 1),
        (0, 0),
        (-5, 0),
        (-DAY, None),
    ],
)
def test_a_secret_s_end_is_told_seven_days_and_one_day_before(left: int, days: int | None) -> None:
    assert warning_due(Secret(b"d", expires=1000 * DAY + left), 1000 * DAY) == days
    assert warning_due(Secret(b"d"), 1000 * DAY) is None


def test_a_secret_that_has_ended_is_told_for_a_day_with_its_application() -> None:
    secret = Secret(b"d", name="second", expires=1_800_000_000)
    assert warning_due(secret, 1_800_000_000) == 0
    assert warning_due(secret, 1_800_000_000 + DAY - 1) == 0
    assert warning_due(secret, 1_800_000_000 + DAY) is None
    client = Client("c", name="Shop", application="App1", secrets=(secret,))
    event = expiring(client, secret, 1_800_000_000)
    assert (event.type, event.application) == ("secret.expired", "App1")
    assert event.data == {
        "client": "c",
        "client_name": "Shop",
        "application": "App1",
        "secret": "second",
        "expires": "2027-01-15T08:00:00Z",
    }


ANN = User("ann", "old", source="store", id="store:1")
MAIL = UserMail("ann@example.org", "new@example.org", 7, language="de")
PASSKEY = {"name": "Laptop", "id": "aWQ"}


@pytest.mark.parametrize(
    ("action", "before", "after", "told"),
    [
        ("user.update", ANN, replace(ANN, password="new"), ("password.changed", {"user": "ann"})),
        ("user.update", ANN, replace(ANN, role="admin"), None),
        ("user.create", None, ANN, None),
        ("passkey.add", None, PASSKEY, ("passkey.added", {"passkey": "Laptop"})),
        ("passkey.remove", PASSKEY, None, ("passkey.removed", {"passkey": "Laptop"})),
        ("mail.ask", UserMail(), MAIL, ("address.confirm", {"asked": 7})),
        ("mail.confirm", UserMail(), MAIL, None),
        (
            "mail.confirm",
            MAIL,
            MAIL.confirmed("new@example.org"),
            ("address.changed", {"to": "ann@example.org", "language": "de", "removed": False}),
        ),
        (
            "mail.remove",
            MAIL,
            UserMail(),
            ("address.changed", {"to": "ann@example.org", "language": "de", "removed": True}),
        ),
        ("mail.remove", UserMail("", "new@example.org"), UserMail(), None),
    ],
)
def test_a_person_is_told_of_changes_of_their_own_account(
    action: str, before: object, after: object, told: tuple[str, object] | None
) -> None:
    found = [(one.type, one.data) for one in events_of(action, "store:1", before, after)]
    assert found == ([] if told is None else [told])
    assert all(one.person == "store:1" for one in events_of(action, "store:1", before, after))


def test_a_notice_of_a_secret_has_its_name_and_nothing_else_of_it() -> None:
    secret = Secret(b"digest", name="second", expires=1_800_000_000, prefix="gpt_abc", foreign="hash")
    event = expiring(Client("c", name="Shop", secrets=(secret,)), secret, 1_799_999_000)
    assert event.data == {
        "client": "c",
        "client_name": "Shop",
        "secret": "second",
        "expires": "2027-01-15T08:00:00Z",
        "seconds_left": 1000,
    }
