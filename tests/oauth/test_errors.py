import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.errors import STATUS, OAuthError, invalid_client, invalid_request, printable


@given(st.text())
def test_a_description_holds_only_what_rfc_6749_section_5_2_allows(text: str) -> None:
    allowed = set(string.printable[:95]) - {'"', "\\"}
    assert set(printable(text)) <= allowed


@pytest.mark.parametrize("code", STATUS)
def test_every_code_has_its_status_and_body(code: str) -> None:
    error = OAuthError(code, "Because.")
    assert error.status == STATUS[code]
    assert error.body == {"error": code, "error_description": "Because."}


def test_the_reason_of_a_failed_authentication_is_never_in_the_answer() -> None:
    error = invalid_client("unknown client")
    assert "unknown" not in error.description
    assert str(error) == "unknown client"


def test_invalid_request_says_what_is_wrong() -> None:
    assert (
        invalid_request("The parameter scope is missing.")
        .body["error_description"]
        .startswith("The parameter")
    )
