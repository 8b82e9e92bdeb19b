"""Who did what: which application it concerns, and what is shown of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.accounts.activity import (
    MOST_TEXT,
    PAGE,
    Activity,
    ActivityEntry,
    ActivityFilter,
    application_of,
)
from gateway.oauth.api_subscription import ApiSubscription
from gateway.oauth.application import Application
from gateway.oauth.model import Client
from gateway.oauth.user import User
from gateway.store import Store
from gateway.store.activity import LIFETIME
from tests.services import Clock

NOW = 1_800_000_000.0
SHOP = Application("app", "Shop", "ann")
KEYS = Client("keys", application="app")
ENTRY = ActivityEntry(
    "1", NOW, "u1 ann", "client.update", "keys", "app", {"enabled": True}, {"enabled": False, "tier": "gold"}
)


@pytest.mark.parametrize(
    ("action", "before", "after", "found"),
    [
        ("application.create", None, SHOP, "app"),
        ("application.update", SHOP, SHOP, "app"),
        ("application.delete", SHOP, None, ""),
        ("client.create", None, KEYS, "app"),
        ("client.update", KEYS, KEYS, "app"),
        ("client.update", Client("own"), Client("own"), ""),
        ("client.delete", None, None, ""),
        ("subscription.request", None, ApiSubscription("Orders"), "target"),
        ("user.create", None, User("ann", ""), ""),
    ],
)
def test_changes_belong_to_an_application_or_none(
    action: str, before: object | None, after: object | None, found: str
) -> None:
    assert application_of(action, "target", before, after) == found


def test_an_entry_is_read_as_it_was_written() -> None:
    assert ActivityEntry.from_json(ENTRY.to_json()) == ENTRY
    assert (ENTRY.who, replace(ENTRY, actor="cli:root").who) == ("ann", "cli:root")
    assert list(ENTRY.changes()) == [("enabled", "true", "false"), ("tier", "", "gold")]


def test_lists_and_records_are_told_by_name() -> None:
    after = {
        "id": "keys",
        "secrets": [{"name": "laptop", "created": 1}, {"created": 2}],
        "subscriptions": [{"api": "Orders"}],
        "scopes": ["a", "b"],
        "lifetime": 60,
    }
    assert list(replace(ENTRY, before=None, after=after).changes()) == [
        ("secrets", "", 'laptop, {"created": 2}'),
        ("subscriptions", "", "Orders"),
        ("scopes", "", "a, b"),
        ("lifetime", "", "60"),
    ]


def test_moments_and_webhooks_are_told_so_that_they_can_be_read() -> None:
    webhook = {"url": "https://hooks.example.org/", "sealed": "x", "off": ""}
    before = {"decided": 0, "asked": 1_800_000_000, "webhook": webhook}
    after = {"decided": 1_800_000_060, "asked": 0, "webhook": webhook | {"off": "gone"}, "expires": 0}
    assert list(replace(ENTRY, before=before, after=after).changes()) == [
        ("decided", "", "2027-01-15 08:01 UTC"),
        ("asked", "2027-01-15 08:00 UTC", ""),
        ("webhook", "https://hooks.example.org/", "https://hooks.example.org/ (gone)"),
    ]
    renewed = replace(ENTRY, before={"webhook": webhook}, after={"webhook": webhook | {"secret_created": 2}})
    assert list(renewed.changes()) == [("webhook", "", "https://hooks.example.org/")]


def test_of_much_the_names_are_kept() -> None:
    huge = replace(ENTRY, before=None, after={"note": "x" * MOST_TEXT})
    assert len(huge.to_json()) < 500
    assert json.loads(huge.to_json())["after"] == {"note": "…"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '"x"', ENTRY.to_json().replace('"enabled"', "x", 1)])
def test_what_is_no_entry_is_none(text: str) -> None:
    assert ActivityEntry.from_json(text) is None


def test_an_entry_whose_changes_are_none_is_none() -> None:
    assert ActivityEntry.from_json(json.dumps({**json.loads(ENTRY.to_json()), "after": [1]})) is None


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        (ActivityFilter(), True),
        (ActivityFilter("ANN", "client.update", frozenset({"app"})), True),
        (ActivityFilter("bob"), False),
        (ActivityFilter(action="client.create"), False),
        (ActivityFilter(applications=frozenset()), False),
    ],
)
def test_what_is_wanted_is_shown(wanted: ActivityFilter, takes: bool) -> None:
    assert wanted.takes(ENTRY) == takes


async def test_pages_lead_on_to_the_last_entry(store: Store) -> None:
    clock = Clock(float((await store.link.execute("TIME"))[0]))
    total = 2 * PAGE + 3
    for number in range(total):
        action = "client.update" if number % 3 else "client.create"
        await store.activity.add("app", replace(ENTRY, id=str(number), action=action).to_json())
    await store.activity.add("app", replace(ENTRY, id="5").to_json())  # written again
    await store.activity.add("app", "something else")
    activity = Activity(store.activity, clock)
    for wanted, expected in ((ActivityFilter(), total), (ActivityFilter(action="client.create"), 18)):
        seen, before = list[str](), ""
        while True:
            page = await activity.page("app", wanted, before)
            assert len(page.entries) <= PAGE
            seen += [one.id for one in page.entries]
            if not (before := page.older):
                break
        assert len(set(seen)) == expected
    clock.now += LIFETIME + 60
    assert (await activity.page()).entries == ()
