"""Each role at each page and each operation: what the table says, on a running gateway."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.oauth.roles import ROLES, Role, allows
from gateway.portal.api.operations import OPERATIONS
from gateway.portal.page_rights import SIGNED_OUT, operation_right, page_right
from gateway.portal.pages import PAGES
from tests.portal.api.program import Program
from tests.portal.pages.test_teams import team_of
from tests.portal.reader import Reader, call
from tests.running import Running

PASSWORD = "long-password"
PRESENT: dict[str, str] = {"environment": "production", "action": "back"}
NOT_HERE = re.compile(
    r"^/(apis/|account/(passkeys|email)|confirm-email|pages|sign-out/provider|sign-in/(provider|callback)|language)"
)
"""What this gateway has not, so that it is 404 for everybody."""
OWN_RULES = {("POST", "/users/invite"), ("GET", "/teams/join/{code}"), ("POST", "/teams/join/{code}")}
OWN_RULES |= {(method, "/account/delete") for method in ("GET", "POST")}
"""What needs more than a right."""


@dataclass
class Roles:
    """A gateway with one user of each role, who are together in a team with an application."""

    url: str
    readers: dict[Role, Reader]
    places: dict[str, str]

    def path(self, pattern: str) -> str:
        return re.sub(r"\{(\w+)(?::[^}]*)?\}", lambda found: self.places.get(found[1], "none"), pattern)

    def program(self, role: Role) -> Program:
        form = {"grant_type": "password", "username": role, "password": PASSWORD, "scope": "portal:manage"}
        status, token = call(self.url, "/token", form, basic="app:app-secret")
        assert status == 200, token
        return Program(self.url, token["access_token"])


@pytest.fixture(scope="module")
def roles(start: Callable[..., Running]) -> Roles:
    users: list[dict[str, Any]] = [{"name": one, "password": PASSWORD, "role": one} for one in ROLES]
    client = {"id": "app", "secrets": ["app-secret"], "grants": ["password"], "scopes": ["portal:manage"]}
    route: dict[str, Any] = {
        "path": "/orders",
        "upstream": "orders",
        "scopes": ["orders.read"],
        "access": "request",
    }
    route["docs"] = {"title": "Orders"}
    url = start(
        portal={"users": users, "webhooks": True},
        grants={"password": {"enabled": True}},
        clients=[client],
        routes=[route],
    ).http
    readers: dict[Role, Reader] = {one: Reader(url) for one in ROLES}
    for name, reader in readers.items():
        assert reader.sign_in(name, PASSWORD).status == 200
    developer = readers["developer"]
    team = team_of(developer)
    for one in ROLES:
        if one != "developer":
            developer.open(team).submit("/add-member", user=one, role="owner")
    team_id = team.rpartition("/")[2]
    made = developer.open("/portal/applications/new").submit("/new", name="Till", team=team_id)
    path = urlsplit(made.url).path
    assert developer.open(f"{path}/production").submit("/generate-keys").status == 200
    asked = developer.open("/portal/subscriptions/new?api=Orders").submit(
        "/new", application=path.rpartition("/")[2]
    )
    assert "You have asked for the subscription." in asked.words
    user = re.search(r"file:[0-9a-f]+", readers["admin"].open("/portal/users").html)
    assert user is not None
    places = PRESENT | {"id": path.rpartition("/")[2], "team": team_id, "user": user[0]}
    places["subscription"] = urlsplit(asked.url).path.rpartition("/")[2]
    return Roles(url, readers, places)


def test_each_role_gets_each_page_that_it_may_and_no_other(roles: Roles) -> None:
    seen = 0
    for method, pattern, _ in PAGES:
        right = page_right(method, pattern)
        if right is None or NOT_HERE.match(pattern) or (method, pattern) in OWN_RULES:
            continue
        path = "/portal" + roles.path(pattern)
        for role, reader in roles.readers.items():
            # A form without its proof is refused, once somebody may send it.
            answer = reader.open(path, b"" if method == "POST" else None)
            told = f"{role} {method} {pattern}: {answer.status}"
            if allows(role, right):
                assert answer.status == (403 if method == "POST" or "progress" in path else 200), told
            else:
                assert answer.status == 404, told
            seen += 1
    assert seen > 4 * 50


def test_each_role_may_ask_for_each_operation_that_the_table_gives_it(roles: Roles) -> None:
    missing = {
        "applicationId": "none",
        "keyMappingId": "none",
        "subscriptionId": "none-0",
        "memberId": "none",
    }
    for role in ROLES:
        program = roles.program(role)
        for one in OPERATIONS:
            path = re.sub(r"\{(\w+)\}", lambda found: missing.get(found[1], "team:none"), one.path)
            status = program.ask(one.method, path, {} if one.body else None)[0]
            told = f"{role} {one.name}: {status}"
            if allows(role, operation_right(one.method, one.path)):
                assert status in (200, 400, 404), told
            else:
                assert status == 403, told


def test_who_is_not_signed_in_is_sent_to_sign_in_by_every_page_that_needs_a_right(roles: Roles) -> None:
    nobody = Reader(roles.url)
    for method, pattern, _ in PAGES:
        if page_right(method, pattern) is None or NOT_HERE.match(pattern):
            continue
        path = "/portal" + roles.path(pattern.replace("{code}", "x" * 32))
        assert "/portal/sign-in" in nobody.open(path, b"" if method == "POST" else None).url, (
            method,
            pattern,
        )


def test_only_what_is_for_everybody_needs_no_right() -> None:
    free = {path for method, path, _ in PAGES if page_right(method, path) is None}
    assert all(path == "/" or path.startswith(SIGNED_OUT) for path in free)


def test_a_viewer_sees_what_is_the_teams_and_no_button_to_change_it(roles: Roles) -> None:
    viewer = roles.readers["viewer"]
    overview = viewer.open("/portal/applications")
    assert "Till" in overview.words
    assert "New application" not in overview.words
    shown = viewer.open(f"/portal/applications/{roles.places['id']}")
    for word in ("Edit", "Delete", "Change owner", "Manage production keys", "Production keys Sandbox keys"):
        assert word not in shown.words
    assert "Add a user" not in viewer.open(f"/portal/teams/{roles.places['team']}").words
    assert "Viewer" in viewer.open("/portal/account").words


def test_a_publisher_decides_on_everybodys_subscriptions_and_sees_no_more_of_them(roles: Roles) -> None:
    developer, publisher = roles.readers["developer"], roles.readers["publisher"]
    own = urlsplit(developer.open("/portal/applications/new").submit("/new", name="Own").url).path
    form = developer.open("/portal/subscriptions/new?api=Orders")
    asked = form.submit("/new", application=own.rpartition("/")[2])
    path = urlsplit(asked.url).path
    assert publisher.open(own).status == 404
    assert "Own" in publisher.open("/portal/subscriptions").words
    shown = publisher.open(path)
    assert ("Note to the developer" in shown.words, "Withdraw" in shown.words) == (True, False)
    assert "The subscription is approved." in shown.submit("/approve").words
    assert "Note to the developer" not in developer.open(path).words
    assert publisher.open(f"{own}/usage").status == 404
    assert "Usage by all applications" in publisher.open("/portal/usage").words
