"""The interface keeps what its OpenAPI document promises."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gateway.portal.api.answer_schemas import ANSWERS
from gateway.portal.api.openapi import _IDS as PATTERNS
from gateway.portal.api.openapi import document
from gateway.portal.api.operations import OPERATIONS
from tests.portal.api.program import Program, token_of
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader, call
from tests.ports import free_port
from tests.running import Running

DOCUMENT = document("http://gateway.example")
# Made by who runs the tests, not by all who collect them: it was a fifth of what collecting takes.
SCHEMA = schemathesis.pytest.from_fixture("schema")
LET_BE = [positive_data_acceptance]
"""Whether a grant or a scope may be given is not a matter of its form."""


ENDS = ("deleteApplication", "cleanUpKeys", "deleteSubscription", "deleteTeam", "removeMember", "changeOwner")
"""Operations after which the others would be about nothing."""


@pytest.fixture(scope="module")
def schema() -> BaseSchema:
    # Who may call is the matter of other tests: here every request has a good token.
    return schemathesis.openapi.from_dict(
        {name: part for name, part in DOCUMENT.items() if name != "security"}
    )


@pytest.fixture(autouse=True)
def named(request: pytest.FixtureRequest) -> None:
    """Has a test's name where schemathesis 4.32 changes it; pytest 9.2 has it elsewhere."""
    request.node._nodeid = request.node.nodeid


@pytest.fixture(scope="module")
def site(start: Callable[..., Running]) -> str:
    """A gateway with something for every operation."""
    route = {"path": "/orders", "upstream": "orders", "scopes": ["orders.read"], "access": "request"}
    # Nothing takes the mails, and nothing waits for them.
    smtp = {"host": "127.0.0.1", "port": free_port(), "tls": "none"}
    mail = {"from": "portal@example.org", "to": ["boss@example.org"], "smtp": smtp}
    portal = {
        "sign_up": True,
        "tiers": ["small"],
        "users": [{"name": ADMIN, "password": PASSWORD, "admin": True}],
        "notify": {"email": mail, "events": ["user.signed_up"]},
    }
    return start(routes=[{**route, "docs": {"title": "Orders"}}], portal=portal).http


@pytest.fixture(scope="module")
def token(site: str) -> str:
    reader = Reader(site)
    reader.sign_in(ADMIN, PASSWORD)
    return token_of(reader, site)


@pytest.fixture(scope="module")
def there(site: str, token: str) -> dict[str, str]:
    """What requests are about that would else be about nothing."""
    program = Program(site, token)
    _, team = program.ask("POST", "/teams", {"name": "Under test"})
    _, application = program.ask("POST", "/applications", {"name": "Under test"})
    path = f"/applications/{application['applicationId']}"
    wanted = {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"]}
    _, keys = program.ask("POST", f"{path}/generate-keys", wanted)
    wish = {"applicationId": application["applicationId"], "apiId": "Orders"}
    status, subscription = program.ask("POST", "/subscriptions", wish)
    assert status == 201, subscription
    return {
        "applicationId": application["applicationId"],
        "keyMappingId": keys["keyMappingId"],
        "subscriptionId": subscription["subscriptionId"],
        "teamId": team["teamId"],
        "userId": program.ask("GET", "/users")[1]["list"][0]["userId"],
        "memberId": team["members"][0]["memberId"],
        "policyId": "small",
    }


def answers_as_documented(name: str) -> Callable[..., None]:
    """The test of one operation. Each has a name of its own: of those with one name pytest-xdist runs one."""

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @SCHEMA.include(operation_id=name).parametrize()
    def test(case: Any, site: str, token: str, there: dict[str, str]) -> None:
        if name not in ENDS:
            for parameter, value in (case.path_parameters or {}).items():
                if parameter in there and re.fullmatch(PATTERNS[parameter], str(value)):
                    case.path_parameters[parameter] = there[parameter]
        answer = case.call(base_url=f"{site}/portal/api/v1", headers={"Authorization": f"Bearer {token}"})
        case.validate_response(answer, excluded_checks=LET_BE)

    return test


globals().update(
    {f"test_{one.name}_answers_as_documented": answers_as_documented(one.name) for one in OPERATIONS}
)


def test_the_document_is_served_to_everybody(gateway: str) -> None:
    status, served = call(gateway, "/portal/api/v1/openapi.json")
    assert (status, served["openapi"]) == (200, "3.1.0")
    assert served["paths"].keys() == DOCUMENT["paths"].keys()


def test_every_operation_is_documented_and_says_what_it_does() -> None:
    documented = [
        (method.upper(), path, one["summary"])
        for path, methods in DOCUMENT["paths"].items()
        for method, one in methods.items()
    ]
    assert sorted(one[:2] for one in documented) == sorted((one.method, one.path) for one in OPERATIONS)
    assert all(summary.endswith(".") for _, _, summary in documented)


def test_each_schema_of_an_answer_is_used_by_an_operation_or_by_another_schema() -> None:
    used = {one.answer for one in OPERATIONS} | {"Problem"}
    text = str(ANSWERS)
    assert {name for name in ANSWERS if name not in used and f"schemas/{name}'" not in text} == set()
