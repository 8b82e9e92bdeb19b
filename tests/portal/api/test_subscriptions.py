"""Subscriptions by REST."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.portal.api.program import Program, token_of
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader
from tests.running import Running


@pytest.fixture(scope="module")
def site(start: Callable[..., Running]) -> str:
    route = {"path": "/orders", "upstream": "orders", "scopes": ["orders.read"], "access": "request"}
    return start(routes=[{**route, "docs": {"title": "Orders"}}]).http


@pytest.fixture(scope="module")
def admins(site: str) -> Program:
    reader = Reader(site)
    reader.sign_in(ADMIN, PASSWORD)
    return Program(site, token_of(reader, site))


def developers(site: str, name: str) -> Program:
    reader = Reader(site)
    reader.open("/portal/sign-up").submit(
        "/sign-up", name=name, password="correct horse", again="correct horse"
    )
    return Program(site, token_of(reader, site))


def test_a_subscription_is_asked_for_approved_ended_and_removed(site: str, admins: Program) -> None:
    mine = developers(site, "ann")
    _, application = mine.ask("POST", "/applications", {"name": "Shop"})
    wish = {"applicationId": application["applicationId"], "apiId": "Orders", "note": "please"}
    status, made = mine.ask("POST", "/subscriptions", {**wish, "throttlingPolicy": "Unlimited"})
    assert (status, made["status"], made["scopes"]) == (201, "ON_HOLD", ["orders.read"])
    assert made["throttlingPolicy"] is None
    path = f"/subscriptions/{made['subscriptionId']}"
    assert mine.headers["Location"] == f"/portal/api/v1{path}"
    assert mine.ask("POST", "/subscriptions", wish)[0] == 409
    assert mine.ask("POST", f"{path}/approve", {})[0] == 403
    listed = admins.ask("GET", "/subscriptions?status=ON_HOLD&apiId=Orders")[1]
    assert made["subscriptionId"] in [one["subscriptionId"] for one in listed["list"]]
    status, approved = admins.ask("POST", f"{path}/approve", {"note": "fine", "throttlingPolicy": "tiny"})
    assert (status, approved["status"], approved["throttlingPolicy"]) == (200, "UNBLOCKED", "tiny")
    assert (approved["answer"], approved["decidedBy"]) == ("fine", ADMIN)
    assert mine.ask("GET", path) == (200, approved)
    assert admins.ask("POST", f"{path}/refuse", {})[0] == 409
    assert admins.ask("POST", f"{path}/end", {"note": "over"})[1]["status"] == "BLOCKED"
    by_application = mine.ask("GET", f"/subscriptions?applicationId={application['applicationId']}")[1]
    assert [one["status"] for one in by_application["list"]] == ["BLOCKED"]
    assert mine.ask("DELETE", path) == (204, None)
    assert mine.ask("GET", path)[0] == 404


def test_nobody_sees_another_s_subscriptions_or_asks_for_another_s_application(site: str) -> None:
    mine, other = developers(site, "bob"), developers(site, "eve")
    _, application = mine.ask("POST", "/applications", {"name": "Shop"})
    wish = {"applicationId": application["applicationId"], "apiId": "Orders"}
    assert other.ask("POST", "/subscriptions", wish)[0] == 400
    _, made = mine.ask("POST", "/subscriptions", wish)
    path = f"/subscriptions/{made['subscriptionId']}"
    assert [other.ask(*call)[0] for call in (("GET", path), ("DELETE", path))] == [404, 404]
    assert other.ask("POST", f"{path}/approve", {})[0] == 404
    assert other.ask("GET", "/subscriptions")[1]["list"] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"apiId": "Other"}, "apiId: There is no API of this name"),
        ({"scopes": ["any"]}, "scopes: The API does not have"),
        ({"throttlingPolicy": "tiny"}, "throttlingPolicy: You may not"),
        ({"note": "n" * 513}, "note: "),
        ({"applicationId": "none"}, "applicationId: there is no such application."),
    ],
)
def test_what_can_not_be_asked_for_is_said(site: str, change: dict[str, object], says: str) -> None:
    mine = developers(site, f"dev-{abs(hash(says)) % 10**6}")
    _, application = mine.ask("POST", "/applications", {"name": "Shop"})
    wish = {"applicationId": application["applicationId"], "apiId": "Orders", **change}
    status, problem = mine.ask("POST", "/subscriptions", wish)
    assert (status, problem["detail"][: len(says)]) == (400, says)
    assert mine.ask("GET", "/subscriptions?status=none")[0] == 400


def test_a_subscription_is_decided_only_as_it_was_seen(site: str, admins: Program) -> None:
    mine = developers(site, "mia")
    _, application = mine.ask("POST", "/applications", {"name": "Shop"})
    wish = {"applicationId": application["applicationId"], "apiId": "Orders"}
    _, made = mine.ask("POST", "/subscriptions", {**wish, "note": "for a"})
    path, first = f"/subscriptions/{made['subscriptionId']}", mine.headers["ETag"]
    assert mine.ask("GET", path, **{"If-None-Match": first})[0] == 304
    assert mine.ask("DELETE", path, **{"If-Match": first})[0] == 204
    _, again = mine.ask("POST", "/subscriptions", {**wish, "note": "for b"})
    assert again["subscriptionId"] == made["subscriptionId"]
    second = mine.headers["ETag"]
    for action in ("approve", "refuse"):
        assert admins.ask("POST", f"{path}/{action}", {}, **{"If-Match": first})[0] == 412
    assert mine.ask("GET", path) == (200, again), "nothing was decided"
    assert admins.ask("POST", f"{path}/approve", {}, **{"If-Match": second})[0] == 200
    third = admins.headers["ETag"]
    assert mine.ask("DELETE", path, **{"If-Match": second})[0] == 412
    assert admins.ask("POST", f"{path}/end", {}, **{"If-Match": second})[0] == 412
    assert admins.ask("POST", f"{path}/end", {}, **{"If-Match": third})[0] == 200
    assert mine.ask("DELETE", path)[0] == 204, "without the header it is as before"
