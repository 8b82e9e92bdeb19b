import pytest

from gateway.http.origins import AllowedOrigins
from gateway.web.endpoint_cors import EndpointCors

APP = b"https://app.example.org"
CORS = EndpointCors(AllowedOrigins([APP.decode(), "https://*.example.net"]))


def test_an_origin_is_in_the_list_or_gets_nothing() -> None:
    assert (b"Access-Control-Allow-Origin", APP) in CORS.headers([APP])
    assert CORS.headers([b"https://other.example.org"]) == [(b"Vary", b"Origin")]
    assert CORS.headers([APP, APP]) == [(b"Vary", b"Origin")]
    assert EndpointCors().headers([APP]) == []


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (b"https://a.example.net", True),
        (b"https://a.b.example.net", False),
        (b"https://example.net", False),
        (b"http://a.example.net", False),
        (b"https://a.example.net.evil.test", False),
        (b"https://evil.test/.example.net", False),
    ],
)
def test_a_wildcard_stands_for_one_label(origin: bytes, allowed: bool) -> None:
    headers = CORS.headers([origin])
    assert ((b"Access-Control-Allow-Origin", origin) in headers) is allowed


def test_only_a_preflight_is_answered_as_one() -> None:
    assert CORS.preflight("POST", [APP], [b"POST"]) is None
    assert CORS.preflight("OPTIONS", [APP], []) is None
    answer = CORS.preflight("OPTIONS", [APP], [b"POST"])
    assert answer is not None
    assert answer.status == 204
    assert (b"Access-Control-Allow-Methods", b"POST") in answer.headers
