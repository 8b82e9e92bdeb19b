"""What programs are told of the portal: its settings and its throttling policies."""

from __future__ import annotations

import pytest

from gateway.portal.api.responses import policy_shape
from gateway.portal.services import ThrottlingPolicy
from tests.portal.api.program import Program, token_of
from tests.portal.reader import Reader


@pytest.mark.parametrize(
    ("seconds", "length", "unit"),
    [(60, 1, "min"), (90, 90, "sec"), (3600, 1, "hour"), (172_800, 2, "day"), (0.1, 100, "ms")],
)
def test_a_period_is_in_the_largest_unit_that_it_is_a_multiple_of(
    seconds: float, length: int, unit: str
) -> None:
    shape = policy_shape(ThrottlingPolicy("gold", 100, seconds, 10), "application")
    assert (shape["unitTime"], shape["timeUnit"], shape["attributes"]) == (length, unit, {"burst": "10"})


def test_settings_say_what_the_portal_offers(program: Program, gateway: str) -> None:
    status, found = program.ask("GET", "/settings")
    assert (status, found["grantTypes"], found["scopes"]) == (200, ["client_credentials"], ["portal:manage"])
    assert found["apiGatewayEndpoint"] == "http://127.0.0.1:1"
    assert found["identityProvider"] == {"external": False}
    assert (found["passwordPolicyMinLength"], found["passwordPolicyMaxLength"]) == (8, 1024)


@pytest.mark.parametrize("level", ["application", "subscription"])
def test_a_developer_sees_the_policies_that_they_may_choose(program: Program, level: str) -> None:
    status, found = program.ask("GET", f"/throttling-policies/{level}")
    assert (status, [one["name"] for one in found["list"]]) == (200, ["small"])
    one = found["list"][0]
    assert (one["policyLevel"], one["requestCount"], one["unitTime"], one["timeUnit"]) == (
        level,
        2,
        1,
        "hour",
    )
    assert program.ask("GET", f"/throttling-policies/{level}/small") == (200, one)
    assert program.ask("POST", "/applications", {"name": "Shop", "throttlingPolicy": one["name"]})[0] == 201


def test_an_administrator_sees_all_policies_in_pages(admin: Reader, gateway: str) -> None:
    # Under another name than the applications of other tests.
    program = Program(gateway, token_of(admin, gateway, "portal:manage", "orders.read", "default"))
    _, found = program.ask("GET", "/throttling-policies/application?limit=1&offset=1")
    assert ([one["name"] for one in found["list"]], found["pagination"]["total"]) == (["tiny"], 2)
    assert program.ask("GET", "/throttling-policies/application/tiny")[0] == 200


@pytest.mark.parametrize(
    "path", ["application/tiny", "application/none", "api", "api/small", "application/SMALL"]
)
def test_there_is_no_other_policy(program: Program, path: str) -> None:
    assert program.ask("GET", f"/throttling-policies/{path}")[0] == 404


@pytest.mark.parametrize("path", ["/settings", "/throttling-policies/application"])
def test_nobody_is_told_without_a_token(gateway: str, path: str) -> None:
    assert Program(gateway, None).ask("GET", path)[0] == 401
