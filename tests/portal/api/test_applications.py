"""Applications by REST."""

from __future__ import annotations

from tests.portal.api.program import Program


def test_an_application_is_made_changed_listed_and_deleted(program: Program) -> None:
    status, made = program.ask("POST", "/applications", {"name": " Shop ", "throttlingPolicy": "Unlimited"})
    assert (status, made["name"], made["throttlingPolicy"], made["status"]) == (201, "Shop", None, "APPROVED")
    path = f"/applications/{made['applicationId']}"
    assert program.headers["Location"] == f"/portal/api/v1{path}"
    _, changed = program.ask("PUT", path, {"name": "Store", "description": "sells"})
    assert changed == program.ask("GET", path)[1]
    assert (changed["name"], changed["description"]) == ("Store", "sells")
    found = program.ask("GET", "/applications?query=STORE&limit=1")[1]
    assert (found["count"], found["list"], found["pagination"]["total"]) == (1, [changed], 1)
    assert program.ask("GET", "/applications?limit=0")[1]["list"] == []
    assert program.ask("DELETE", path) == (204, None)
    assert program.ask("GET", path)[0] == 404


def test_a_name_that_is_taken_is_a_conflict(program: Program) -> None:
    program.ask("POST", "/applications", {"name": "Shop"})
    status, problem = program.ask("POST", "/applications", {"name": "shop"})
    assert (status, problem["title"]) == (409, "Conflict")


def test_a_tier_that_is_not_there_is_refused(program: Program) -> None:
    status, problem = program.ask("POST", "/applications", {"name": "T", "throttlingPolicy": "Platinum"})
    assert (status, problem["detail"]) == (400, "throttlingPolicy: you may not choose this tier.")


def test_a_tier_stays_where_it_is_left_out_and_goes_with_unlimited(program: Program) -> None:
    _, made = program.ask("POST", "/applications", {"name": "T", "throttlingPolicy": "small"})
    path = f"/applications/{made['applicationId']}"
    assert program.ask("PUT", path, {"name": "U"})[1]["throttlingPolicy"] == "small"
    changed = program.ask("PUT", path, {"name": "U", "throttlingPolicy": "Unlimited"})[1]
    assert changed["throttlingPolicy"] is None
