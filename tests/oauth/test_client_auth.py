import base64
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.client_auth import METHODS, may_use, methods_of, read_proof, secret_matches
from gateway.oauth.errors import OAuthError
from gateway.oauth.form import Form, parse_parameters
from gateway.oauth.model import Client, Secret

NOW = 1_000.0


def basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


@dataclass
class Brought:
    """What a request brings."""

    authorization: Sequence[bytes]
    form: Form
    certificate: bytes | None = None


def proof(authorization: list[bytes], form: str = "") -> tuple[str, str, str]:
    found = read_proof(Brought(authorization, parse_parameters(form)))
    return found.client_id, found.secret, found.method


def refusal(authorization: list[bytes], form: str = "") -> str:
    with pytest.raises(OAuthError) as caught:
        proof(authorization, form)
    return caught.value.error


def test_basic_is_read() -> None:
    assert proof([basic("demo:secret")]) == ("demo", "secret", "client_secret_basic")


def test_each_half_of_basic_is_form_decoded() -> None:
    assert proof([basic("a%3Ab:p%20+%25")])[:2] == ("a:b", "p  %")


def test_the_secret_may_hold_a_colon() -> None:
    assert proof([basic("demo:a:b")])[1] == "a:b"


def test_the_scheme_is_case_insensitive() -> None:
    assert proof([b"bAsIc " + base64.b64encode(b"demo:secret")])[0] == "demo"


def test_the_form_is_read() -> None:
    assert proof([], "client_id=demo&client_secret=secret") == ("demo", "secret", "client_secret_post")


def test_naming_the_same_client_beside_basic_is_allowed() -> None:
    assert proof([basic("demo:secret")], "client_id=demo")[0] == "demo"


@pytest.mark.parametrize(
    ("authorization", "form"),
    [
        ([basic("demo:secret")], "client_id=demo&client_secret=secret"),
        ([basic("demo:secret")], "client_id=other"),
        ([basic("demo:secret"), basic("demo:secret")], ""),
    ],
)
def test_two_ways_at_once_are_an_invalid_request(authorization: list[bytes], form: str) -> None:
    assert refusal(authorization, form) == "invalid_request"


@pytest.mark.parametrize(
    "header",
    [
        b"Basic",
        b"Basic !!!",
        b"Basic ZGVtbw==",
        b"Bearer abc",
        b"Basic \xff\xff",
        b"Basic /w==",
    ],
)
def test_unreadable_credentials_are_an_invalid_client(header: bytes) -> None:
    assert refusal([header]) == "invalid_client"


@pytest.mark.parametrize(
    ("sent", "secret", "raw"),
    [
        ("demo:plain", "plain", ""),
        ("demo:a+b%2Fc", "a b/c", "a+b%2Fc"),
        ("demo:100%", "100%", ""),
        ("demo:50%zz", "50%zz", ""),
    ],
)
def test_a_secret_that_was_sent_raw_is_known_in_both_spellings(sent: str, secret: str, raw: str) -> None:
    found = read_proof(Brought([basic(sent)], parse_parameters("")))
    assert (found.client_id, found.secret, found.raw_secret) == ("demo", secret, raw)


@pytest.mark.parametrize("form", ["", "client_id=demo", "client_secret=secret"])
def test_half_of_a_proof_is_an_invalid_client(form: str) -> None:
    assert refusal([], form) == "invalid_client"


@given(st.binary(max_size=100))
def test_any_header_gives_a_proof_or_an_oauth_error(header: bytes) -> None:
    with suppress(OAuthError):
        assert len(proof([b"Basic " + header])) == 3


def client(*secrets: Secret, enabled: bool = True) -> Client:
    return Client("demo", secrets=secrets, enabled=enabled)


def secret(text: str, expires: int | None = None) -> Secret:
    return Secret(hashlib.sha256(text.encode()).digest(), expires=expires)


def test_every_live_secret_is_right() -> None:
    both = client(secret("old"), secret("new"))
    assert secret_matches(both, "old", NOW)
    assert secret_matches(both, "new", NOW)
    assert not secret_matches(both, "neither", NOW)


def test_a_secret_is_refused_from_its_end_on() -> None:
    ending = client(secret("old", expires=int(NOW)))
    assert secret_matches(ending, "old", NOW - 1)
    assert not secret_matches(ending, "old", NOW)


@pytest.mark.parametrize("text", ["nobody", "", "secret"])
def test_nobody_gets_in_where_there_is_no_client_or_no_secret(text: str) -> None:
    assert not secret_matches(None, text, NOW)
    assert not secret_matches(client(), text, NOW)


def test_a_disabled_client_does_not_get_in() -> None:
    assert not secret_matches(client(secret("right"), enabled=False), "right", NOW)


def test_a_secret_that_is_not_text_does_not_get_in() -> None:
    assert not secret_matches(client(secret("right")), "\ud800", NOW)


@pytest.mark.parametrize("auth", [(), ("client_secret_post",), ("private_key_jwt", "tls_client_auth")])
@pytest.mark.parametrize("secrets", [(), (Secret(b"x"),)])
@pytest.mark.parametrize("jwks", ["", "{}"])
def test_a_method_may_be_used_if_it_is_one_of_the_clients(
    auth: tuple[str, ...], secrets: tuple[Secret, ...], jwks: str
) -> None:
    client = Client("demo", auth=frozenset(auth), secrets=secrets, jwks=jwks)
    for method in METHODS:
        assert may_use(client, method) == (method in methods_of(client))
