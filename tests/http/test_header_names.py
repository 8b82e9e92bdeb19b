import pytest

from gateway.http.header_names import (
    check_allowed_override,
    check_free_header_name,
    check_header_name,
    check_header_value,
    is_framing,
    is_identity,
    is_override,
)


@pytest.mark.parametrize(
    "name", [b"x-client-id", b"x_client_id", b"x.request.id", b"x--real-ip-", b"forwarded"]
)
def test_every_spelling_of_an_identity_header_is_known(name: bytes) -> None:
    assert is_identity(name)


@pytest.mark.parametrize(
    "name",
    [
        b"client-cert",
        b"client_cert",
        b"client-cert-chain",
        b"x-forwarded-client-cert",
        b"x.ssl_client-cert",
        b"ssl_client_s_dn",
        b"x-forwarded-tls-client-cert-info",
    ],
)
def test_a_certificate_is_believed_of_nobody_but_a_trusted_proxy(name: bytes) -> None:
    assert is_identity(name)


@pytest.mark.parametrize("name", [b"x-client", b"authorization", b"x-forwarded-fort"])
def test_others_are_not_taken_for_one(name: bytes) -> None:
    assert not is_identity(name)


@pytest.mark.parametrize(
    "name",
    [b"x-http-method-override", b"x_http_method", b"x.original.url", b"-x-rewrite--url", b"x-original-uri"],
)
def test_every_spelling_of_an_override_is_known(name: bytes) -> None:
    assert is_override(name)
    assert not is_override(name + b"s")


def test_only_known_overrides_can_be_allowed() -> None:
    assert check_allowed_override("X-HTTP-Method-Override") == "x-http-method-override"
    for name in ("X-Client-Id", "X_HTTP_Method", "X-Original-Uri", "Host", ""):
        with pytest.raises(ValueError, match="must be one of"):
            check_allowed_override(name)


@pytest.mark.parametrize("name", ["Connection", "Content-Length", "TE", "Host", "Via"])
def test_framing_and_addressing_are_the_gateways(name: str) -> None:
    assert is_framing(name.lower().encode())
    with pytest.raises(ValueError, match="framing"):
        check_header_name(name)


def test_an_answer_may_have_a_header_that_a_request_may_not() -> None:
    assert check_header_name("X-Client-Id") == "X-Client-Id"
    with pytest.raises(ValueError, match="who calls"):
        check_free_header_name("X_Client_Id")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ä", "a\r\nb", "x" * 129])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        check_header_name(name)


@pytest.mark.parametrize("value", ["", "a", "a b\tc", "x" * 4096])
def test_a_value_can_be_any_printable_ascii(value: str) -> None:
    assert check_header_value(value) == value


@pytest.mark.parametrize("value", ["a\nb", " a", "a\t", "\x7f", "ü", "x" * 4097])
def test_a_value_that_a_reader_could_misread_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        check_header_value(value)
