"""Which texts are e-mail addresses."""

from __future__ import annotations

import pytest

from gateway.oauth.mail_address import is_mail_address, mailbox_of, typed_address


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


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" ann@example.org\t", "ann@example.org"),
        ("Ann.B@EXAMPLE.Org", "Ann.B@example.org"),
        ("ann@b\u00fccher.example", "ann@xn--bcher-kva.example"),
        ("ann@Bu\u0308cher.example", "ann@xn--bcher-kva.example"),
        ("ann@דוא.example", "ann@xn--4dbfg.example"),
    ],
)
def test_a_typed_address_is_written_to_as_dns_has_it(text: str, address: str) -> None:
    assert typed_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "bücher.example",
        "änn@bücher.example",
        "ann@straße.example",
        "ann@bücher..example",
        "ann@bü cher.example",
        "ann@bücher.example\r\nBcc: b@example.org",
        "ann@bücher.example,b@example.org",
        "a@" + "ü" * 300,
        "a@" + "ü" * 60 + ".example",
        "ann@\ud800.example",
    ],
)
def test_a_typed_address_that_could_lead_elsewhere_is_none(text: str) -> None:
    assert typed_address(text) is None


def test_addresses_of_one_mailbox_count_as_one() -> None:
    same = ("ann@example.org", "Ann@EXAMPLE.org", "ann+shop@example.org", "ANN+a+b@example.org")
    assert {mailbox_of(one) for one in same} == {"ann@example.org"}
    assert mailbox_of("+a@example.org") == "+a@example.org"
    assert mailbox_of("bob@example.org") != mailbox_of("bob@example.com")
