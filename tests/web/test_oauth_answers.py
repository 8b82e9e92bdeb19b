import json

import pytest

from gateway.errors import StoreUnavailable
from gateway.exchange import Answer
from gateway.oauth.errors import OAuthError
from gateway.tokens.issuer import TokenAnswer
from gateway.web.oauth_answers import TOKEN_HEADERS, error_answer, json_answer, oauth_faults, token_answer


def headers(answer: Answer) -> dict[bytes, bytes]:
    return dict(answer.headers)


def test_every_answer_says_that_it_is_not_to_be_kept() -> None:
    for answer in (json_answer({"a": 1}), error_answer(OAuthError("invalid_scope", "x"), "r")):
        assert answer.headers[: len(TOKEN_HEADERS)] == TOKEN_HEADERS
        assert headers(answer)[b"Cache-Control"] == b"no-store"


@pytest.mark.parametrize("beside", [{}, {"refresh_token": "r"}, {'q"': "\u00f6\n"}])
def test_a_token_is_told_as_the_json_of_its_body(beside: dict[str, str]) -> None:
    token = TokenAnswer("gpt_x", 'a "b" \u00f6', 7, reused=False, name="n", beside=beside)
    assert token_answer(token).body == json.dumps(token.body).encode()
    assert headers(token_answer(token, "n"))[b"DPoP-Nonce"] == b"n"


async def test_a_lost_store_is_503_in_oauths_words() -> None:
    async def fails() -> Answer:
        raise StoreUnavailable("redis://10.0.0.7 refused", 3)

    answer = await oauth_faults(fails(), "gatepost")
    assert (answer.status, headers(answer)[b"Retry-After"]) == (503, b"3")
    assert b"10.0.0.7" not in answer.body


async def test_what_goes_well_is_passed_on() -> None:
    async def works() -> Answer:
        return Answer(204)

    assert await oauth_faults(works(), "gatepost") == Answer(204)


def test_a_challenge_stands_only_where_it_belongs() -> None:
    assert b"WWW-Authenticate" in headers(error_answer(OAuthError("invalid_client", "x"), "r"))
    other = error_answer(OAuthError("invalid_scope", "x"), "r")
    assert b"WWW-Authenticate" not in headers(other)
    assert json.loads(other.body)["error"] == "invalid_scope"


def test_a_wrong_method_is_told_the_right_one() -> None:
    assert headers(error_answer(OAuthError("invalid_request", "x", status=405), "r"))[b"Allow"] == b"POST"


def test_a_nonce_goes_with_an_answer_and_with_an_error() -> None:
    assert headers(json_answer({}, nonce="n"))[b"DPoP-Nonce"] == b"n"
    assert headers(error_answer(OAuthError("use_dpop_nonce", "x", nonce="n"), "r"))[b"DPoP-Nonce"] == b"n"
