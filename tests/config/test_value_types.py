import hashlib
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from gateway.config.value_types import (
    ClientSecret,
    check_client_id,
    check_method,
    check_name,
    check_scope,
    check_secret,
    check_shared_key,
)

DIGEST = hashlib.sha256(b"s3cret").hexdigest()


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (check_scope, "orders.read"),
        (check_scope, "https://api.example.org/read:all!#[]~"),
        (check_client_id, "Shop 7 (east)"),
        (check_client_id, "x" * 255),
        (check_method, "GET"),
        (check_method, "M-SEARCH"),
        (check_name, "orders-v2.eu_1"),
    ],
)
def test_what_keeps_to_the_rules_stays_as_it_is(check: Callable[[str], str], value: str) -> None:
    assert check(value) == value


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (check_scope, ""),
        (check_scope, "a b"),
        (check_scope, 'a"'),
        (check_scope, "a\\b"),
        (check_scope, "é"),
        (check_scope, "a\n"),
        (check_client_id, ""),
        (check_client_id, "a\tb"),
        (check_client_id, "é"),
        (check_client_id, " a"),
        (check_client_id, "x" * 256),
        (check_method, "get"),
        (check_method, ""),
        (check_method, "GET "),
        (check_name, "-a"),
        (check_name, "a/b"),
        (check_name, "a\n"),
        (check_name, "x" * 65),
    ],
)
def test_what_does_not_is_refused(check: Callable[[str], str], value: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        check(value)


@pytest.mark.parametrize("text", ["s3cret", "sha256:" + DIGEST, "sha256:" + DIGEST.upper()])
def test_a_secret_has_the_same_digest_plain_and_hashed(text: str) -> None:
    secret = check_secret(ClientSecret(text))
    assert secret.digest == hashlib.sha256(b"s3cret").digest()


def test_only_a_plain_secret_can_be_revealed_and_only_when_asked() -> None:
    assert ClientSecret("s3cret").plain == "s3cret"
    assert ClientSecret("sha256:" + DIGEST).plain is None
    assert "s3cret" not in f"{ClientSecret('s3cret')} {ClientSecret('s3cret')!r}"


@pytest.mark.parametrize(
    "text", ["", "a\n", "\x7f", "sha256:", "sha256:" + DIGEST[:-1], "sha256:" + "g" * 64]
)
def test_a_secret_that_could_not_be_used_is_refused_without_being_revealed(text: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        check_secret(ClientSecret(text))
    assert DIGEST[:-1] not in str(caught.value)


@pytest.mark.parametrize("text", ["k" * 31, "k" * 40 + "\n"])
def test_a_shared_key_must_be_long_and_printable(text: str) -> None:
    with pytest.raises(ValueError, match="at least 32"):
        check_shared_key(SecretStr(text))
