"""Users by REST, for administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.portal.api.program import Program, token_of
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.pages.test_owner import name_of
from tests.portal.reader import Reader
from tests.running import Running

NOBODY = "store:" + "0" * 24


@pytest.fixture
def administration(admin: Reader, gateway: str) -> Program:
    return Program(gateway, token_of(admin, gateway))


def user_of(program: Program, name: str) -> Any:
    """The one user of that name."""
    status, found = program.ask("GET", f"/users?query={quote(name)}")
    assert (status, found["count"]) == (200, 1), found
    return found["list"][0]


def test_an_account_is_found_renamed_and_given_a_role(administration: Program, developer: Reader) -> None:
    user = user_of(administration, name_of(developer))
    assert (user["role"], user["status"], user["source"]) == ("developer", "ACTIVE", "store")
    path = f"/users/{user['userId']}"
    assert administration.ask("GET", path) == (200, user)
    seen = administration.headers["ETag"]
    wish = {**user, "name": f"{user['name']}-2", "role": "viewer"}
    status, changed = administration.ask("PUT", path, wish, **{"If-Match": seen})
    assert (status, changed) == (200, wish)
    assert "/sign-in" in developer.open("/portal/account").url
    assert administration.ask("PUT", path, {"role": "developer"}, **{"If-Match": seen})[0] == 412
    assert user_of(administration, wish["name"])["role"] == "viewer"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": ADMIN.upper()}, 409),
        ({"name": "-"}, 400),
        ({"name": "x" * 65}, 400),
        ({"role": "god"}, 400),
        ({"rolle": "viewer"}, 400),
    ],
)
def test_a_change_that_can_not_be_is_refused(
    administration: Program, developer: Reader, body: Any, status: int
) -> None:
    user = user_of(administration, name_of(developer))
    assert administration.ask("PUT", f"/users/{user['userId']}", body)[0] == status
    assert user_of(administration, user["name"]) == user
    assert developer.open("/portal/account").status == 200


def test_a_user_of_the_file_is_shown_and_not_changed(administration: Program) -> None:
    found = administration.ask("GET", "/users?limit=1")[1]["list"][0]
    assert (found["name"], found["role"], found["source"]) == (ADMIN, "admin", "file")
    status, problem = administration.ask("PUT", f"/users/{found['userId']}", {"role": "viewer"})
    assert (status, problem["detail"]) == (409, "The user is defined in gateway.yaml.")


def test_nobody_but_administrators_sees_or_changes_users(program: Program, administration: Program) -> None:
    known = administration.ask("GET", "/users?limit=1")[1]["list"][0]["userId"]
    for method, path in (
        ("GET", "/users"),
        ("GET", f"/users/{known}"),
        ("PUT", f"/users/{known}"),
        ("POST", f"/users/{known}/approve"),
        ("POST", f"/users/{known}/reject"),
        ("POST", f"/users/{known}/remove-passkeys"),
        ("POST", "/invitations"),
    ):
        missing = path.replace(known, NOBODY)
        for status, problem in (program.ask(method, path), program.ask(method, missing)):
            assert (status, problem["detail"]) == (403, "Your role, developer, may not do this.")
    assert administration.ask("GET", f"/users/{NOBODY}")[0] == 404


@pytest.mark.parametrize("sign_up", ["approval", "invitation"])
def test_who_signs_up_is_invited_approved_or_rejected(start: Callable[..., Running], sign_up: str) -> None:
    users = [{"name": ADMIN, "password": PASSWORD, "admin": True}]
    site = start(portal={"sign_up": sign_up, "users": users}).http
    root = Reader(site)
    root.sign_in(ADMIN, PASSWORD)
    program = Program(site, token_of(root, site))
    status, invited = program.ask("POST", "/invitations")
    if sign_up == "invitation":
        assert (status, "/portal/sign-up?invitation=" in invited["invitation"]) == (201, True)
        return
    assert status == 404
    for name in ("ada", "bob"):
        Reader(site).open("/portal/sign-up").submit(
            "/sign-up", name=name, password="correct horse", again="correct horse"
        )
    ada, bob = (user_of(program, name) for name in ("ada", "bob"))
    assert (ada["status"], Reader(site).sign_in("ada", "correct horse").status) == ("PENDING", 403)
    assert program.ask("POST", f"/users/{ada['userId']}/approve")[1] == {**ada, "status": "ACTIVE"}
    assert Reader(site).sign_in("ada", "correct horse").status == 200
    assert program.ask("POST", f"/users/{ada['userId']}/approve")[0] == 409
    assert program.ask("POST", f"/users/{bob['userId']}/reject")[0] == 204
    assert program.ask("GET", f"/users/{bob['userId']}")[0] == 404
