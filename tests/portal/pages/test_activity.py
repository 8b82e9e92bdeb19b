"""Who did what, for those whom it concerns."""

from __future__ import annotations

import pytest

from gateway.portal.pages.activity import activity_filter
from tests.portal.pages.test_usage import after_settling
from tests.portal.reader import Reader

DAY = 86_400
NOTHING = dict.fromkeys(("actor", "action", "app", "from", "to"), "")


def test_an_application_shows_who_did_what_with_it(developer: Reader) -> None:
    path, made = developer.keys()
    application = path.removesuffix("/production")
    made.submit("/disable")
    shown = after_settling(developer, f"{application}/activity", "client.update")
    name = shown.words.partition(" Sign out")[0].rpartition(" ")[2]
    assert f"{name} client.update" in shown.words
    assert "enabled: true false" in shown.words
    assert f"{name} client.create" in shown.words
    assert f"{name} application.create" in shown.words
    assert developer.open("/portal/activity").status == 404, "for administrators"


def test_somebody_elses_activity_is_not_there(developer: Reader, admin: Reader) -> None:
    path = admin.application(f"Acted {id(developer)}")
    assert developer.open(f"{path}/activity").status == 404
    assert developer.open(f"{path}/activity?before=1-1").status == 404


def test_administrators_see_all_and_filter(developer: Reader, admin: Reader) -> None:
    name = f"Filtered {id(developer)}"
    path = developer.application(name)
    application = path.rpartition("/")[2]
    query = f"app={application}"
    shown = after_settling(admin, f"/portal/activity?{query}", f"name: {name}")
    assert f'/portal/applications/{application}/activity">{name}<' in shown.html
    for more in ("&actor=dev-", "&action=application.create", "&from=2020-01-01&to=9998-12-31", "&before=x"):
        assert "name: " in admin.open(f"/portal/activity?{query}{more}").words
    for more in ("&actor=nobody", "&action=user.create", "&from=2999-01-01", "&to=2020-01-01", "&before=1-1"):
        assert "There is nothing to show." in admin.open(f"/portal/activity?{query}{more}").words


@pytest.mark.parametrize(
    ("asked", "since", "until"),
    [
        ({"from": "1970-01-02", "to": "1970-01-03"}, DAY, 3 * DAY),
        ({"from": "0001-01-01", "to": "9999-12-31"}, 0, 0),
        ({"from": "x", "to": "2026-02-30"}, 0, 0),
    ],
)
def test_days_are_whole_and_possible(asked: dict[str, str], since: float, until: float) -> None:
    found = activity_filter(NOTHING | asked, {})
    assert (found.since, found.until) == (since, until)


def test_applications_are_found_by_id_and_name() -> None:
    names = {"a1": "Shop", "a2": "Workshop", "a3": "Billing"}
    assert activity_filter(NOTHING | {"app": "SHOP"}, names).applications == {"SHOP", "a1", "a2"}
    assert activity_filter(NOTHING, names).applications is None
    assert activity_filter(NOTHING | {"action": "x"}, names).action == ""
