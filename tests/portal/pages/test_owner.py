"""Changing the owner of an application, as a page and by REST."""

from __future__ import annotations

from uuid import uuid4

from tests.portal.api.program import Program, token_of
from tests.portal.conftest import ADMIN
from tests.portal.reader import Reader, call


def name_of(reader: Reader) -> str:
    return reader.open("/portal/account").html.partition("<dd>")[2].partition("<")[0]


def test_an_administrator_gives_an_application_to_another_user(admin: Reader, developer: Reader) -> None:
    path = admin.application(f"Given {uuid4().hex[:6]}")
    assert developer.open(path).status == 404
    done = admin.open(f"{path}/owner").submit("/owner", owner=name_of(developer).upper())
    assert "The owner is changed." in done.words
    assert developer.open(path).status == 200


def test_only_administrators_change_the_owner(developer: Reader) -> None:
    path = developer.application()
    assert developer.open(f"{path}/owner").status == 404
    assert "Change owner" not in developer.open(path).words


def test_a_new_owner_must_be_there_and_have_no_application_of_the_name(
    admin: Reader, developer: Reader
) -> None:
    name = f"Twice {uuid4().hex[:6]}"
    path = admin.application(name)
    refused = admin.open(f"{path}/owner").submit("/owner", owner="nobody-at-all")
    assert (refused.status, "There is no user" in refused.words) == (422, True)
    developer.application(name)
    refused = admin.open(f"{path}/owner").submit("/owner", owner=name_of(developer))
    assert (refused.status, "has an application of this name" in refused.words) == (422, True)


def test_keys_that_acted_for_the_former_owner_do_not_act_for_the_new_one(
    admin: Reader, developer: Reader, gateway: str
) -> None:
    path, made = developer.keys(f"Handed {uuid4().hex[:6]}")
    made.submit("/configure", scope=("orders.read", "portal:manage"))
    basic = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    form = {"grant_type": "client_credentials", "scope": "portal:manage"}
    token = call(gateway, "/token", form, basic=basic)[1]["access_token"]
    assert Program(gateway, token).ask("GET", "/applications")[0] == 200
    application = path.rpartition("/")[0]
    admin.open(f"{application}/owner").submit("/owner", owner=ADMIN)
    assert Program(gateway, token).ask("GET", "/applications")[0] == 403
    assert call(gateway, "/token", form, basic=basic)[0] == 400
    assert call(gateway, "/token", {"grant_type": "client_credentials"}, basic=basic)[0] == 200


def test_programs_of_administrators_change_the_owner(admin: Reader, developer: Reader, gateway: str) -> None:
    program = Program(gateway, token_of(admin, gateway))
    other = Program(gateway, token_of(developer, gateway))
    _, made = program.ask("POST", "/applications", {"name": f"By REST {uuid4().hex[:6]}"})
    change = f"/applications/{made['applicationId']}/change-owner"
    assert other.ask("POST", f"{change}?owner={ADMIN}")[0] == 404
    assert [program.ask("POST", change + query)[0] for query in ("", "?owner=nobody-at-all")] == [400, 400]
    status, answer = program.ask("POST", f"{change}?owner={name_of(developer)}")
    assert (status, answer["owner"]) == (200, name_of(developer))
    status, problem = other.ask("POST", f"{change}?owner={ADMIN}")
    assert (status, "administrator" in problem["detail"]) == (403, True)
