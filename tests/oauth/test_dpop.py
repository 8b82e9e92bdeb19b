from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.jose.signatures import ALGORITHMS
from gateway.oauth.dpop import LONGEST_JTI, WINDOW, ProofError, comparable, judge_proof
from tests.client_keys import Signer, b64, signer

NOW = 1_800_000_000.0
URI = "https://api.example/orders/7"
KEY = signer("ES256")


def proof(header: dict[str, Any] | None = None, **changes: Any) -> bytes:
    return KEY.proof("GET", URI, NOW, None, header, **changes).encode()


def judged(*headers: bytes, token: str | None = None) -> tuple[str, str, str | None]:
    found = judge_proof(headers, method="GET", uri=URI, now=NOW, token=token)
    return found.jkt, found.jti, found.nonce


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_right_proof_tells_its_key(algorithm: str) -> None:
    made = signer(algorithm)
    text = made.proof("GET", URI, NOW, jti="one", nonce="n")
    assert judged(text.encode()) == (made.jkt, "one", "n")


def test_the_proof_of_the_standard() -> None:
    """RFC 9449 section 4.1, figures 2 and 7."""
    text = (
        b"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRj"
        b"QyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGki"
        b"OiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjY"
        b"yNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    )
    found = judge_proof([text], method="POST", uri="https://server.example.com/token", now=1562262616)
    assert found.jti == "-BwC3ESc6acc2lTc"
    assert found.jkt == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_with_a_token_its_hash_is_needed() -> None:
    right = KEY.proof("GET", URI, NOW, "gpt_abc").encode()
    assert judged(right, token="gpt_abc")
    for wrong in (proof(), KEY.proof("GET", URI, NOW, "gpt_abd").encode(), proof(ath=5), proof(ath="\ud800")):
        with pytest.raises(ProofError, match="ath"):
            judged(wrong, token="gpt_abc")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [proof(), proof()],
        [b""],
        [b"\xff.\xff.\xff"],
        [proof({"typ": "JWT"})],
        [proof({"typ": None})],
        [proof({"alg": "none"})],
        [proof({"alg": "HS256"})],
        [proof({"alg": "RS256"})],
        [proof({"jwk": None})],
        [proof({"jwk": "key"})],
        [proof({"jwk": Signer("ES256").members})],
        [proof({"jwk": KEY.members | {"d": "AA"}})],
        [proof({"jwk": {"kty": "oct", "k": "AA"}})],
        [proof({"jwk": KEY.members | {"use": "enc"}})],
        [proof({"crit": ["jwk"]})],
        [proof()[:-4] + b"AAAA"],
        [proof(htm="POST")],
        [proof(htm="get")],
        [proof(htm=None)],
        [proof(htu=None)],
        [proof(htu="https://api.example/orders/8")],
        [proof(htu="https://api.example/orders/7/")],
        [proof(htu="http://api.example/orders/7")],
        [proof(htu="https://evil.example/orders/7")],
        [proof(htu="https://api.example:444/orders/7")],
        [proof(htu="https://user@api.example/orders/7")],
        [proof(htu="/orders/7")],
        [proof(htu=5)],
        [proof(iat=None)],
        [proof(iat=NOW - WINDOW - 1)],
        [proof(iat=NOW + WINDOW + 1)],
        [proof(iat=str(NOW))],
        [proof(exp=NOW - WINDOW)],
        [proof(nbf=NOW + WINDOW + 1)],
        [proof(jti=None)],
        [proof(jti="")],
        [proof(jti=7)],
        [proof(jti="a" * (LONGEST_JTI + 1))],
        [proof(padding="a" * 9000)],
    ],
)
def test_what_is_wrong_is_refused(headers: list[bytes]) -> None:
    with pytest.raises(ProofError):
        judged(*headers)


@pytest.mark.parametrize(
    "htu",
    [
        "https://API.example/orders/7",
        "HTTPS://api.example:443/orders/7",
        "https://api.example/orders/7?a=b#c",
        "https://api.example/%6frders/7",
        "https://api.example/%6Frders/7",
    ],
)
def test_uris_that_mean_the_same_are_the_same(htu: str) -> None:
    assert judged(proof(htu=htu))


@pytest.mark.parametrize(
    ("uri", "same"),
    [
        ("https://a", "https://a:443/"),
        ("http://A:80/%2f%7e", "http://a/%2F~"),
        ("https://[::1]/x", "https://[::1]:443/x"),
    ],
)
def test_comparable(uri: str, same: str) -> None:
    assert comparable(uri) == comparable(same)


@pytest.mark.parametrize(
    "uri", ["", "a", "ftp://a/", "https://", "https://a b/", "https://a:x/", "https://é/"]
)
def test_what_is_no_http_uri_can_not_be_compared(uri: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        comparable(uri)


@given(st.binary(max_size=100))
def test_any_header_is_taken_or_refused(header: bytes) -> None:
    with pytest.raises(ProofError):
        judged(header)


@given(
    st.dictionaries(
        st.sampled_from(["htm", "htu", "iat", "jti", "nonce", "exp", "nbf", "ath"]),
        st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.lists(st.text()),
    ),
    st.dictionaries(
        st.sampled_from(["jwk", "typ", "kid"]), st.none() | st.text() | st.integers(), max_size=1
    ),
)
def test_any_claims_are_taken_or_refused(claims: dict[str, Any], header: dict[str, Any]) -> None:
    head = {"typ": "dpop+jwt", "jwk": KEY.members, **header}
    text = KEY.sign(head, {"htm": "GET", "htu": URI, "iat": NOW, "jti": "a", **claims})
    with suppress(ProofError):
        judged(text.encode(), token="t")


def test_base64_in_two_spellings_is_one_too_many() -> None:
    text = proof().decode()
    with pytest.raises(ProofError):
        judged((text + "=").encode())
    assert b64(b"") == ""


def test_a_key_that_is_known_from_a_proof_lets_no_forged_one_pass() -> None:
    right = proof()
    assert judged(right)
    head, claims, signature = right.split(b".")
    other = KEY.proof("POST", URI, NOW).encode().split(b".")[1]
    changed = (b"B" if signature.startswith(b"A") else b"A") + signature[1:]
    for forged in ([head, other, signature], [head, claims, changed], [head, claims, b"AAAA"]):
        with pytest.raises(ProofError, match="signature"):
            judged(b".".join(forged))
    assert judged(right)
