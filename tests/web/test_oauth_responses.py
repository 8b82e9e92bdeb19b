import json

import pytest

from gateway.errors import StoreUnavailable
from gateway.http.exchange import Response
from gateway.oauth.errors import OAuthError
from gateway.store.redis_errors import CommandRejected
from gateway.tokens.token_issuer import TokenResponse
from gateway.web.oauth_responses import (
    ISSUE,
    TOKEN_HEADERS,
    error_response,
    json_response,
    oauth_errors,
    token_response,
)


def headers(answer: Response) -> dict[bytes, bytes]:
    return dict(answer.headers)


def test_every_answer_says_that_it_is_not_to_be_kept() -> None:
    for answer in (json_response({"a": 1}), error_response(OAuthError("invalid_scope", "x"), "r")):
        assert answer.headers[: len(TOKEN_HEADERS)] == TOKEN_HEADERS
        assert headers(answer)[b"Cache-Control"] == b"no-store"


@pytest.mark.parametrize("beside", [{}, {"refresh_token": "r"}, {'q"': "\u00f6\n"}])
def test_a_token_is_written_as_the_json_of_its_body(beside: dict[str, str]) -> None:
    token = TokenResponse("gpt_x", 'a "b" \u00f6', 7, reused=False, name="n", beside=beside)
    assert token_response(token).body == json.dumps(token.body).encode()
    assert headers(token_response(token, "n"))[b"DPoP-Nonce"] == b"n"


async def test_a_lost_store_is_503_in_oauths_words() -> None:
    async def fails() -> Response:
        raise StoreUnavailable("redis://10.0.0.7 refused", 3)

    answer = await oauth_errors(fails(), "gatepost", ISSUE)
    assert (answer.status, headers(answer)[b"Retry-After"]) == (503, b"3")
    assert b"10.0.0.7" not in answer.body


async def test_a_store_that_refuses_is_not_said_to_be_out_of_reach() -> None:
    async def fails() -> Response:
        raise CommandRejected("token.issue", "OOM command not allowed when used memory > 'maxmemory'.")

    answer = await oauth_errors(fails(), "gatepost", ISSUE)
    assert answer.status == 503
    assert b"can't issue tokens now" in answer.body


async def test_what_goes_well_is_passed_on() -> None:
    async def works() -> Response:
        return Response(204)

    assert await oauth_errors(works(), "gatepost", ISSUE) == Response(204)


def test_a_challenge_stands_only_where_it_belongs() -> None:
    assert b"WWW-Authenticate" in headers(error_response(OAuthError("invalid_client", "x"), "r"))
    other = error_response(OAuthError("invalid_scope", "x"), "r")
    assert b"WWW-Authenticate" not in headers(other)
    assert json.loads(other.body)["error"] == "invalid_scope"


def test_a_wrong_method_is_told_the_right_one() -> None:
    assert headers(error_response(OAuthError("invalid_request", "x", status=405), "r"))[b"Allow"] == b"POST"


def test_a_nonce_goes_with_an_answer_and_with_an_error() -> None:
    assert headers(json_response({}, nonce="n"))[b"DPoP-Nonce"] == b"n"
    assert headers(error_response(OAuthError("use_dpop_nonce", "x", nonce="n"), "r"))[b"DPoP-Nonce"] == b"n"
