from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.errors import OAuthError
from gateway.oauth.form import MAX_PARAMETERS, parse_form, parse_parameters, refuse_credentials_in_query

FORM = "application/x-www-form-urlencoded"


def test_parameters_are_decoded() -> None:
    form = parse_form(FORM + "; charset=UTF-8", b"grant_type=client_credentials&scope=a+b%20c&n=%C3%A9")
    assert form.single == {"grant_type": "client_credentials", "scope": "a b c", "n": "é"}


def test_an_empty_parameter_counts_as_absent() -> None:
    assert parse_parameters("scope=&x").get("scope") is None


@pytest.mark.parametrize("body", [b"a=1&a=1", b"a=1&a=2", b"a=1&a=", b"%61=1&a=2"])
def test_a_repeated_parameter_is_refused(body: bytes) -> None:
    assert refusal(body) == "invalid_request"


def test_resource_may_be_repeated() -> None:
    assert parse_parameters("resource=https://a&resource=https://b").resources == ("https://a", "https://b")


@pytest.mark.parametrize("body", [b"a=%zz", b"a=%4", b"a=%", b"a=%ff", b"\xff=1", b"a=%00"])
def test_what_cannot_be_decoded_is_refused(body: bytes) -> None:
    assert refusal(body) == "invalid_request"


@pytest.mark.parametrize("content_type", [None, "", "application/json", "text/plain", "multipart/form-data"])
def test_a_body_that_is_no_form_is_refused(content_type: str | None) -> None:
    with pytest.raises(OAuthError) as caught:
        parse_form(content_type, b"grant_type=client_credentials")
    assert caught.value.error == "invalid_request"


def test_a_flood_of_parameters_is_refused() -> None:
    assert refusal(b"&".join(b"p%d=1" % n for n in range(MAX_PARAMETERS + 1))) == "invalid_request"


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(OAuthError, match="grant_type"):
        parse_parameters("").require("grant_type")


@pytest.mark.parametrize("query", ["client_secret=x", "a=1&client_secret=x", "CLIENT_SECRET=x", "token=t"])
def test_credentials_in_the_uri_are_refused(query: str) -> None:
    with pytest.raises(OAuthError):
        refuse_credentials_in_query(query)


def test_other_things_in_the_uri_are_ignored() -> None:
    refuse_credentials_in_query("tenant=7")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_form_or_invalid_request(body: bytes) -> None:
    assert refusal(body) in (None, "invalid_request")


def refusal(body: bytes) -> str | None:
    try:
        parse_form(FORM, body)
    except OAuthError as error:
        return error.error
    return None


@given(st.lists(st.sampled_from(["%3d", "%0A", "%C3%A9", "%25", "=", "==", "=\n", "\r\n", "_", ".", "41"])))
def test_only_percent_signs_escape(parts: list[str]) -> None:
    wanted = unquote_to_bytes("".join(parts)).decode()
    assert parse_parameters(f"a=%61{''.join(parts)}").get("a") == f"a{wanted}"
