"""The interface keeps what its OpenAPI document promises."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gateway.portal.api.openapi import document
from gateway.portal.api.operations import OPERATIONS
from tests.portal.api.program import Program, token_of
from tests.portal.reader import Reader, call

DOCUMENT = document("http://gateway.example")
# Who may call is the matter of other tests: here every request has a good token.
SCHEMA = schemathesis.openapi.from_dict({name: part for name, part in DOCUMENT.items() if name != "security"})
LET_BE = [positive_data_acceptance]
"""Whether a grant or a scope may be given is not a matter of its form."""


@pytest.fixture(scope="module")
def token(gateway: str) -> str:
    reader = Reader(gateway)
    reader.open("/portal/sign-up").submit(
        "/sign-up", name="schemathesis", password="correct horse", again="correct horse"
    )
    return token_of(reader, gateway)


@pytest.fixture(scope="module")
def there(gateway: str, token: str) -> dict[str, str]:
    """An application with keys, for requests that would else be about nothing."""
    program = Program(gateway, token)
    _, application = program.ask("POST", "/applications", {"name": "Under test"})
    path = f"/applications/{application['applicationId']}"
    wanted = {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"]}
    _, keys = program.ask("POST", f"{path}/generate-keys", wanted)
    return {"applicationId": application["applicationId"], "keyMappingId": keys["keyMappingId"]}


@SCHEMA.parametrize()
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_operation_answers_as_documented(
    case: Any, gateway: str, token: str, there: dict[str, str]
) -> None:
    if case.method not in ("DELETE",) and not case.path.endswith("/clean-up"):
        for name, value in (case.path_parameters or {}).items():
            if re.fullmatch("[A-Za-z0-9]{1,64}", str(value)):
                case.path_parameters[name] = there.get(name, value)
    answer = case.call(base_url=f"{gateway}/portal/api/v1", headers={"Authorization": f"Bearer {token}"})
    case.validate_response(answer, excluded_checks=LET_BE)


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
