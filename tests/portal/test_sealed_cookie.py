"""What a browser keeps for the gateway, and can neither read nor make."""

from __future__ import annotations

import base64

import pytest

from gateway.oauth.token_encryption import TokenCipher
from gateway.portal.sealed_cookie import LONGEST, open_value, seal_value

CIPHER = TokenCipher([bytes(32)], lambda size: b"n" * size)


def test_a_sealed_value_is_opened_for_the_same_use_alone() -> None:
    value = seal_value(CIPHER, "a secret", "one")
    assert "a secret" not in base64.urlsafe_b64decode(value).decode("latin-1")
    assert open_value(CIPHER, value, "one") == "a secret"
    assert open_value(CIPHER, value, "another") is None


@pytest.mark.parametrize("value", ["", "x", "=", "not ours", "AAAA", "A" * (LONGEST + 1)])
def test_a_value_that_is_no_sealed_one_is_not_opened(value: str) -> None:
    assert open_value(CIPHER, value, "one") is None
