"""Teams by the pages: made, joined, managed, left, deleted; for others they don't exist."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import pytest

from tests.portal.conftest import ADMIN
from tests.portal.pages.test_owner import name_of
from tests.portal.reader import Reader


def signed_up(gateway: str) -> Reader:
    one = Reader(gateway)
    name = f"dev-{uuid4().hex[:10]}"
    form = one.open("/portal/sign-up")
    assert form.submit("/sign-up", name=name, password="correct horse", again="correct horse").status == 200
    return one


@pytest.fixture
def other(gateway: str) -> Reader:
    """A browser in which another new developer is signed in."""
    return signed_up(gateway)


def team_of(reader: Reader, name: str = "Shop") -> str:
    """Makes a team; its path."""
    made = reader.open("/portal/teams").submit("/teams/new", name=name)
    assert "The team is created." in made.words
    return urlsplit(made.url).path


def test_a_member_manages_the_teams_applications_as_their_own(developer: Reader, other: Reader) -> None:
    team = team_of(developer)
    added = developer.open(team).submit("/add-member", user=name_of(other).upper())
    assert "is a member of the team" in added.words
    made = other.open("/portal/applications/new").submit("/new", name="Till", team=team.rpartition("/")[2])
    path = urlsplit(made.url).path
    assert "The team Shop" in made.words
    assert "Change owner" not in made.words
    assert "Till" in developer.open("/portal/applications").words
    keys = developer.open(f"{path}/production").submit("/generate-keys")
    assert "The keys are generated." in keys.words
    assert "Saved." in other.open(f"{path}/edit").submit("/edit", name="Till 2").words
    assert "Till 2" in developer.open(team).words
    assert other.open(f"{path}/usage").status == 200
    assert "No longer" not in other.open(team).words
    assert "Add a user" not in other.open(team).words


def test_an_owner_hands_applications_over_between_self_and_team(developer: Reader, other: Reader) -> None:
    team, path = team_of(developer), developer.application("Moved")
    assert other.open(path).status == 404
    developer.open(team).submit("/add-member", user=name_of(other))
    team_id = team.rpartition("/")[2]
    assert "The owner is changed." in developer.open(f"{path}/owner").submit("/owner", owner=team_id).words
    assert other.open(path).status == 200
    assert other.open(f"{path}/owner").status == 404
    back = developer.open(f"{path}/owner")
    own_id = back.html.partition('<option value="store:')[2].partition('"')[0]
    assert "The owner is changed." in back.submit("/owner", owner=f"store:{own_id}").words
    assert other.open(path).status == 404


def test_an_owner_gives_nothing_to_others_and_a_member_gives_nothing_away(
    developer: Reader, other: Reader
) -> None:
    team, theirs, path = team_of(developer), team_of(other), developer.application("Kept")
    for owner in (name_of(other), theirs.rpartition("/")[2], "team:none", ADMIN, "x" * 5000):
        refused = developer.open(f"{path}/owner").submit("/owner", owner=owner)
        assert (refused.status, "There is no user with this name" in refused.words) == (422, True)
    developer.open(team).submit("/add-member", user=name_of(other))
    own = other.application("Own")
    assert f'value="{team.rpartition("/")[2]}"' not in other.open(f"{own}/owner").html
    assert other.open(f"{own}/owner").submit("/owner", owner=team.rpartition("/")[2]).status == 422


def test_an_invitation_is_for_one_user_and_one_team(developer: Reader, other: Reader, gateway: str) -> None:
    team = team_of(developer)
    invited = developer.open(team).submit("/invite")
    link = urlsplit(invited.value("invitation")).path
    assert link.startswith("/portal/teams/join/")
    assert other.open(team).status == 404
    assert "invited as a member" in other.open(link).words
    joined = other.open(link).submit(link)
    assert "You are a member of the team." in joined.words
    again = urlsplit(developer.open(team).submit("/invite").value("invitation")).path
    assert "in this team already" in developer.open(again).words
    third = signed_up(gateway)
    assert third.open(link).status == 404, "it is used up"
    code = link.rpartition("/")[2]
    assert third.open(f"/portal/teams/join/{'x' * len(code)}").status == 404
    assert "/portal/sign-in" in Reader(gateway).open(link).url


def test_what_owners_may_members_and_strangers_may_not(
    developer: Reader, other: Reader, gateway: str
) -> None:
    team = team_of(developer)
    developer.open(team).submit("/add-member", user=name_of(other))
    stranger = signed_up(gateway)
    proof = dict(other.open(team).form("/leave").fields)["proof"]
    strangers_proof = dict(stranger.open("/portal/teams").form("/new").fields)["proof"]
    for action in ("rename", "add-member", "change-role", "remove-member", "invite", "delete"):
        fields = {"name": "Mine", "user": name_of(stranger), "member": "x", "role": "owner", "sure": "yes"}
        sent = urlencode(fields | {"proof": proof}).encode()
        assert other.open(f"{team}/{action}", sent).status == 404
        sent = urlencode(fields | {"proof": strangers_proof}).encode()
        assert stranger.open(f"{team}/{action}", sent).status == 404
        assert stranger.open(f"/portal/teams/team:none/{action}", sent).status == 404
        assert developer.open(f"{team}/{action}", urlencode(fields).encode()).status == 403, "without a proof"
    assert stranger.open(team).status == 404
    assert "Shop" not in stranger.open("/portal/teams").words
    path = developer.application("Own")
    refused = stranger.open("/portal/applications/new").submit(
        "/new", name="In", team=team.rpartition("/")[2]
    )
    assert (refused.status, "Choose one of your teams." in refused.words) == (422, True)
    assert other.open(path).status == 404


def test_a_team_keeps_an_owner(developer: Reader, other: Reader) -> None:
    team = team_of(developer)
    refused = developer.open(team).submit("/leave")
    assert (refused.status, "A team needs an owner" in refused.words) == (422, True)
    developer.open(team).submit("/add-member", user=name_of(other))
    deletion = developer.open("/portal/account/delete")
    assert (deletion.status, "the last owner of a team" in deletion.words) == (409, True)
    assert "Delete my account" not in deletion.words
    made = developer.open(team)
    member = dict(made.form("/change-role").fields)
    own = made.submit("/change-role")
    assert (member["role"], own.status) == ("member", 422)
    others_id = made.html.rpartition('name="member" value="')[2].partition('"')[0]
    assert "The role is changed." in made.submit("/change-role", member=others_id, role="owner").words
    assert "You have left the team." in developer.open(team).submit("/leave").words
    assert developer.open(team).status == 404
    assert other.open(team).status == 200
    gone = developer.open("/portal/account/delete").submit("/delete", current="correct horse")
    assert "Your account is deleted." in gone.words


def test_who_is_removed_sees_nothing_of_the_team(developer: Reader, other: Reader) -> None:
    team = team_of(developer)
    added = developer.open(team).submit("/add-member", user=name_of(other))
    path = developer.open("/portal/applications/new").submit(
        "/new", name="Till", team=team.rpartition("/")[2]
    )
    others_id = added.html.rpartition('name="member" value="')[2].partition('"')[0]
    removed = developer.open(team).submit("/remove-member", member=others_id)
    assert "no longer a member" in removed.words
    assert (other.open(team).status, other.open(urlsplit(path.url).path).status) == (404, 404)


def test_a_team_is_renamed_and_deleted_once_it_has_no_application(developer: Reader) -> None:
    team = team_of(developer)
    assert "Store" in developer.open(team).submit("/rename", name="Store").words
    assert developer.open(team).submit("/rename", name="x" * 71).status == 422
    developer.open("/portal/applications/new").submit("/new", name="Till", team=team.rpartition("/")[2])
    assert "Select the checkbox" in developer.open(team).submit("/delete").words
    assert "has applications" in developer.open(team).submit("/delete", sure="yes").words
    path = (
        developer.open("/portal/applications").html.partition('th scope="row"><a href="')[2].partition('"')[0]
    )
    developer.open(f"{path}/delete").submit("/delete")
    assert "The team is deleted." in developer.open(team).submit("/delete", sure="yes").words
    assert developer.open(team).status == 404


@pytest.mark.parametrize(
    ("name", "words"), [("", "needs a name"), ("a\tb", "one line"), ("x" * 71, "at most 70")]
)
def test_a_name_that_can_not_be_is_refused(developer: Reader, name: str, words: str) -> None:
    refused = developer.open("/portal/teams").submit("/new", name=name)
    assert (refused.status, words in refused.words) == (422, True)


def test_a_user_who_does_not_exist_is_not_added(developer: Reader) -> None:
    team = team_of(developer)
    for name in ("nobody-at-all", "store:nobody", "", name_of(developer)):
        assert developer.open(team).submit("/add-member", user=name).status == 422


def test_an_administrator_gives_a_team_an_owner_and_an_application_to_it(
    admin: Reader, developer: Reader, other: Reader
) -> None:
    team = team_of(developer, f"Given {uuid4().hex[:6]}")
    assert "Add a user" in admin.open(team).words
    assert "is a member" in admin.open(team).submit("/add-member", user=name_of(other), role="owner").words
    assert "Add a user" in other.open(team).words
    path = admin.application(f"Moved {uuid4().hex[:6]}")
    done = admin.open(f"{path}/owner").submit("/owner", owner=team.rpartition("/")[2])
    assert "The owner is changed." in done.words
    assert developer.open(path).status == 200


def test_an_application_in_production_asks_for_a_second_owner(developer: Reader, other: Reader) -> None:
    alone, made = "belongs to one person alone", developer.application("Alone")
    assert alone not in developer.open(made).words
    developer.open(f"{made}/production").submit("/generate-keys")
    assert alone in developer.open(made).words
    team = team_of(developer)
    developer.open(f"{made}/owner").submit("/owner", owner=team.rpartition("/")[2])
    assert "its team has one owner" in developer.open(made).words
    developer.open(team).submit("/add-member", user=name_of(other), role="owner")
    assert "one owner" not in other.open(made).words
