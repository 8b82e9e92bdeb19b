"""Teams by REST: as on the pages, with versions, and without a word about what is others'."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.portal.api.program import Program, token_of
from tests.portal.pages.test_owner import name_of
from tests.portal.pages.test_teams import signed_up
from tests.portal.reader import Reader, call


@pytest.fixture
def other(gateway: str) -> Reader:
    return signed_up(gateway)


@pytest.fixture
def others(other: Reader, gateway: str) -> Program:
    """Another developer's program."""
    return Program(gateway, token_of(other, gateway))


def made(program: Program, name: str = "Shop") -> tuple[str, Any]:
    """A new team: its path, and itself."""
    status, team = program.ask("POST", "/teams", {"name": name})
    assert status == 201, team
    assert program.headers["Location"] == f"/portal/api/v1/teams/{team['teamId']}"
    return f"/teams/{team['teamId']}", team


def test_a_team_is_made_read_renamed_and_deleted(program: Program, others: Program) -> None:
    path, team = made(program)
    assert [one["role"] for one in team["members"]] == ["owner"]
    assert program.ask("GET", path) == (200, team)
    first = program.headers["ETag"]
    assert program.ask("PUT", path, {**team, "name": "Store"}, **{"If-Match": first})[0] == 200
    assert program.ask("PUT", path, {"name": "Again"}, **{"If-Match": first})[0] == 412
    assert program.ask("DELETE", path, **{"If-Match": first})[0] == 412
    assert [one["name"] for one in program.ask("GET", "/teams")[1]["list"]] == ["Store"]
    assert others.ask("GET", "/teams")[1]["list"] == []
    assert program.ask("DELETE", path)[0] == 204
    assert program.ask("GET", path)[0] == 404


def test_members_come_change_and_go(program: Program, others: Program, other: Reader) -> None:
    path, _ = made(program)
    status, team = program.ask("POST", f"{path}/members", {"user": name_of(other)})
    member = team["members"][1]
    assert (status, member["name"], member["role"]) == (200, name_of(other), "member")
    assert others.ask("GET", path)[0] == 200
    one = f"{path}/members/{member['memberId']}"
    assert others.ask("PUT", one, {"role": "owner"})[0] == 403
    assert program.ask("PUT", one, {"role": "owner"})[1]["members"][1]["role"] == "owner"
    own = f"{path}/members/{team['members'][0]['memberId']}"
    assert program.ask("DELETE", own)[0] == 204
    assert program.ask("GET", path)[0] == 404
    status, problem = others.ask("DELETE", one)
    assert (status, "needs an owner" in problem["detail"]) == (409, True)


def test_an_application_is_made_for_a_team_and_handed_over(
    program: Program, others: Program, other: Reader
) -> None:
    path, team = made(program)
    program.ask("POST", f"{path}/members", {"user": name_of(other)})
    status, application = others.ask("POST", "/applications", {"name": "Till", "teamId": team["teamId"]})
    assert (status, application["owner"], application["teamId"]) == (201, "Shop", team["teamId"])
    one = f"/applications/{application['applicationId']}"
    assert program.ask("PUT", one, {**application, "name": "Till 2"})[0] == 200
    assert program.ask("DELETE", path)[0] == 409
    owner = f"{one}/change-owner?owner={team['members'][0]['memberId']}"
    assert others.ask("POST", owner)[0] == 403
    status, changed = program.ask("POST", owner)
    assert (status, changed["teamId"]) == (200, None)
    assert others.ask("GET", one)[0] == 404
    assert program.ask("PUT", one, {"name": "Till", "teamId": team["teamId"]})[0] == 400
    for stranger in (name_of(other), "nobody-at-all"):
        assert program.ask("POST", f"{one}/change-owner?owner={stranger}")[0] == 403
    assert program.ask("POST", f"{one}/change-owner?owner={team['teamId']}")[0] == 200


def test_what_is_others_does_not_exist(program: Program, others: Program) -> None:
    path, team = made(program)
    member = f"{path}/members/{team['members'][0]['memberId']}"
    asked = [
        ("GET", path, None),
        ("PUT", path, {"name": "Mine"}),
        ("DELETE", path, None),
        ("POST", f"{path}/members", {"user": "admin"}),
        ("PUT", member, {"role": "member"}),
        ("DELETE", member, None),
        ("POST", f"{path}/invitations", None),
    ]
    none = "team:" + "0" * 24
    for method, place, body in asked:
        refused = others.ask(method, place, body)
        missing = others.ask(method, place.replace(team["teamId"], none), body)
        assert refused[0] == missing[0] == 404
        assert refused[1]["detail"] == missing[1]["detail"]
    told = [
        others.ask("POST", "/applications", {"name": "In", "teamId": one}) for one in (team["teamId"], none)
    ]
    assert [(status, problem["detail"]) for status, problem in told] == [
        (400, "teamId: there is no such team.")
    ] * 2


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "x" * 71}, {"name": "a\nb"}, {"name": "Shop", "rolle": 1}, {"name": 7}],
)
def test_a_team_that_can_not_be_is_refused(program: Program, body: Any) -> None:
    assert program.ask("POST", "/teams", body)[0] == 400


@pytest.mark.parametrize(
    "body", [{"user": "nobody-at-all"}, {"user": "admin", "role": "god"}, {"role": "owner"}]
)
def test_a_member_who_can_not_be_is_refused(program: Program, body: Any) -> None:
    path, _ = made(program)
    assert program.ask("POST", f"{path}/members", body)[0] == 400
    assert program.ask("DELETE", f"{path}/members/store:{'0' * 24}")[0] == 404


def test_an_invitation_is_a_link(program: Program, other: Reader) -> None:
    path, _ = made(program)
    status, invited = program.ask("POST", f"{path}/invitations")
    assert (status, invited["validityTime"]) == (201, 7 * 86_400)
    link = urlsplit(invited["invitation"]).path
    assert "You are a member of the team." in other.open(link).submit(link).words


def test_a_teams_keys_act_for_the_team_alone(program: Program, developer: Reader, gateway: str) -> None:
    path, team = made(program, f"Team {uuid4().hex[:6]}")
    own = program.ask("GET", "/applications")[1]["list"]
    form = developer.open("/portal/applications/new").submit("/new", name="Robot", team=team["teamId"])
    keys = developer.open(f"{urlsplit(form.url).path}/production").submit("/generate-keys")
    basic = f"{keys.value('consumer-key')}:{keys.value('consumer-secret')}"
    keys.submit("/configure", scope=("orders.read", "portal:manage"))
    grant = {"grant_type": "client_credentials", "scope": "portal:manage"}
    robot = Program(gateway, call(gateway, "/token", grant, basic=basic)[1]["access_token"])
    assert [one["name"] for one in robot.ask("GET", "/applications")[1]["list"]] == ["Robot"]
    assert robot.ask("GET", f"/applications/{own[0]['applicationId']}")[0] == 404
    status, application = robot.ask("POST", "/applications", {"name": "Made by it"})
    assert (status, application["teamId"]) == (201, team["teamId"])
    assert robot.ask("GET", path)[0] == 200
    assert robot.ask("POST", f"{path}/members", {"user": "admin"})[0] == 403
    assert robot.ask("POST", "/teams", {"name": "Robots"})[0] == 403
