"""Which texts are e-mail addresses."""

from __future__ import annotations

import pytest

from gateway.oauth.mail_address import is_mail_address


@pytest.mark.parametrize(
    "text", ["ann@example.org", "a.b+c@mail.example.co.uk", "o'neil@x", "a" * 64 + "@example.org"]
)
def test_an_address_is_one(text: str) -> None:
    assert is_mail_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "@example.org",
        "ann@",
        "ann@example.org\n",
        "ann@example.org\r\nBcc: b@example.org",
        "Ann <ann@example.org>",
        "<ann@example.org>",
        "ann@example.org,b@example.org",
        "ann@example..org",
        ".ann@example.org",
        "ann.@example.org",
        '"ann b"@example.org',
        "ann@[192.0.2.1]",
        "ann@-example.org",
        "änn@example.org",
        "ann@exämple.org",
        "a" * 65 + "@example.org",
        "a@" + "b." * 126 + "org",
    ],
)
def test_what_could_be_read_otherwise_is_none(text: str) -> None:
    assert not is_mail_address(text)
