import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.jose.jws import MAX_LENGTH, read_signed
from tests.client_keys import b64, signer

HEADER = b64(b'{"alg":"ES256"}')
CLAIMS = b64(b"{}")


def raw(claims: bytes, header: bytes = b'{"alg":"ES256"}') -> str:
    return f"{b64(header)}.{b64(claims)}.AA"


def parts(header: object, claims: object = None) -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims or {}).encode())}.AA"


def test_what_is_signed_is_read() -> None:
    signed = read_signed(signer("ES256").sign({"typ": "x"}, {"iss": "demo", "exp": 5.5, "n": 1}))
    assert (signed.algorithm, signed.header["typ"]) == ("ES256", "x")
    assert (signed.text("iss"), signed.text("n"), signed.text("no")) == ("demo", None, None)
    assert (signed.time("exp"), signed.time("n"), signed.time("no")) == (5.5, 1.0, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "a.b.c.d",
        f"{HEADER}.{CLAIMS}.=",
        f"{HEADER}.{CLAIMS}.A",
        f"{HEADER}=.{CLAIMS}.AA",
        f"{HEADER}\n.{CLAIMS}.AA",
        f"{HEADER}.{CLAIMS}.A\xe9",
        f"{HEADER}.{b64(b'[]')}.AA",
        f"{HEADER}.{b64(b'{')}.AA",
        f"{HEADER}.{b64(b'[' * 4000)}.AA",
        f"{HEADER}.{b64(bytes([123, 255]))}.AA",
        raw(b'{"a":1,"a":1}'),
        raw(b"{}", b'{"alg":"none","alg":"ES256"}'),
        raw(b'{"n":' + b"9" * 5000 + b"}"),
        parts({"alg": "none"}),
        parts({"alg": "None"}),
        parts({"alg": "HS256"}),
        parts({"alg": ["ES256"]}),
        parts({}),
        parts({"alg": "ES256", "crit": ["b64"], "b64": False}),
        parts({"alg": "ES256", "crit": []}),
        "a" * (MAX_LENGTH + 1),
    ],
)
def test_what_is_unusual_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_signed(text)


@pytest.mark.parametrize("value", [b"true", b'"5"', b"[]", b"1e999", b"NaN", b"-Infinity", b"9" * 400])
def test_a_time_is_a_finite_number(value: bytes) -> None:
    text = raw(b'{"exp":' + value + b"}")
    with pytest.raises(ValueError, match=r"exp|not JSON"):
        read_signed(text).time("exp")


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: f"{HEADER}.{b64(data)}.{b64(data)}"))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        read_signed(text)
