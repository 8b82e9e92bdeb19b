import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.jose.compact import MAX_LENGTH, encoded, read_jwt
from tests.jose.tokens import jwt, part

HEADER = {"alg": "ES256", "typ": "at+jwt"}


def test_a_token_is_taken_apart_without_being_believed() -> None:
    token = jwt(HEADER, {"iss": "https://a.example"}, signature=b"not a signature")
    read = read_jwt(token)
    assert read is not None
    assert (read.header, read.issuer, read.type) == (HEADER, "https://a.example", "at+jwt")
    assert read.signed == token.rpartition(".")[0].encode()
    assert read.signature == b"not a signature"


@pytest.mark.parametrize(
    ("typ", "kind"),
    [("AT+JWT", "at+jwt"), ("application/at+jwt", "at+jwt"), ("JWT", "jwt"), (None, ""), (7, "")],
)
def test_a_type_is_read_in_any_case_and_with_or_without_its_prefix(typ: object, kind: str) -> None:
    read = read_jwt(jwt({"alg": "ES256", "typ": typ}, {}))
    assert read is not None
    assert read.type == kind


def test_a_token_without_a_type_is_any_jwt() -> None:
    read = read_jwt(jwt({"alg": "ES256"}, {}))
    assert read is not None
    assert read.type == "jwt"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d.e",
        f"{part(HEADER)}.{part({})}.",
        f"{part(HEADER)}.{part({})}.a=",
        f" {part(HEADER)}.{part({})}.aa",
        f"{part(HEADER)}.{part({})}.aa\n",
        f"{part(HEADER)}.{part({})}.aaaaa",
        f"{part([])}.{part({})}.aa",
        f"{part(HEADER)}.{part('text')}.aa",
        f"{part(b'{')}.{part({})}.aa",
        part(b'{"alg":"ES256","alg":"none"}') + f".{part({})}.aa",
        part(HEADER) + "." + part(b'{"iss":"a","iss":"b"}') + ".aa",
        part(HEADER) + "." + part(b'{"exp":NaN}') + ".aa",
        part(HEADER) + "." + part(b"\xff\xfe") + ".aa",
        part(HEADER) + "." + part(b"[" * 5000) + ".aa",
        part(HEADER) + "." + part(b'{"exp":' + b"9" * 5000 + b"}") + ".aa",
        jwt({**HEADER, "crit": ["exp"], "exp": 1}, {}),
        jwt({**HEADER, "crit": []}, {}),
        jwt({**HEADER, "b64": False}, {}),
        jwt(HEADER, {"a": "x" * MAX_LENGTH}),
    ],
)
def test_what_is_no_jwt_or_can_be_read_in_two_ways_is_none(token: str) -> None:
    assert read_jwt(token) is None


def test_the_same_bytes_have_one_spelling_only() -> None:
    token = jwt(HEADER, {}, signature=b"\x00")
    assert token.endswith(".AA")
    assert read_jwt(token[:-1] + "B") is None


@given(st.text())
def test_text_never_raises(text: str) -> None:
    read_jwt(text)


@given(st.lists(st.binary(), min_size=3, max_size=3))
def test_parts_of_bytes_never_raise(parts: list[bytes]) -> None:
    read_jwt(".".join(encoded(data) for data in parts))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(JSON, JSON, st.binary())
def test_any_json_never_raises(header: object, claims: object, signature: bytes) -> None:
    read = read_jwt(
        ".".join(map(encoded, (json.dumps(header).encode(), json.dumps(claims).encode(), signature)))
    )
    if read is not None:
        assert isinstance(read.type, str)
        assert read.issuer is None or isinstance(read.issuer, str)
