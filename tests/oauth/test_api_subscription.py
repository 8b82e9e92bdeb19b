"""What may become of a subscription."""

from __future__ import annotations

import pytest

from gateway.oauth.api_subscription import (
    ApiSubscription,
    SubscriptionRefused,
    approved,
    ended,
    refused,
)

ASKED = ApiSubscription("Orders", scopes=("read",), tier="small", asked=5, asked_by="ann")
APPROVED = approved(ASKED, "root", "go on", "gold", 9)


def test_a_subscription_is_approved_and_ended_with_who_did_it_and_when() -> None:
    assert (APPROVED.state, APPROVED.tier, APPROVED.scopes) == ("approved", "gold", ("read",))
    assert (APPROVED.decided, APPROVED.decided_by, APPROVED.answer) == (9, "root", "go on")
    over = ended(APPROVED, "max", "unpaid", 12)
    assert (over.state, over.decided, over.decided_by, over.answer) == ("ended", 12, "max", "unpaid")
    no = refused(ASKED, "root", "no", 8)
    assert [one.holds for one in (ASKED, APPROVED, over, no)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("decide", "one", "says"),
    [
        (lambda one: approved(one, "", "", "", 1), APPROVED, "is approved, not pending"),
        (lambda one: refused(one, "", "", 1), APPROVED, "is approved, not pending"),
        (lambda one: ended(one, "", "", 1), ASKED, "is pending, not approved"),
        (lambda one: approved(one, "", "", "", 1), ended(APPROVED, "", "", 1), "is ended, not pending"),
    ],
)
def test_what_is_decided_is_not_decided_again(decide: object, one: ApiSubscription, says: str) -> None:
    with pytest.raises(SubscriptionRefused, match=says):
        decide(one)  # type: ignore[operator]


def test_each_api_has_a_key_for_urls() -> None:
    keys = {ApiSubscription(name).key for name in ("Orders", "orders", "Ä / ?", "")}
    assert len(keys) == 4
    assert all(len(key) == 12 and key.isalnum() for key in keys)
