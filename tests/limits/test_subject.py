from dataclasses import replace

import pytest

from gateway.http.forwarded import direct_peer
from gateway.limits.subject import Subject, address_subject
from gateway.oauth.model import TokenInfo
from tests.plugins.exchanges import exchange

FACTS = TokenInfo("demo", (), (), "demo", 0, 100, "client_credentials")


def test_a_client_is_known_by_its_id_and_its_issuer() -> None:
    sent, other = exchange(), exchange()
    sent.token, other.token = FACTS, replace(FACTS, issuer="else")
    assert Subject("client").of(sent) != Subject("client").of(other)
    assert Subject("client").needs_caller


def test_who_is_not_known_by_client_or_header_is_known_by_address() -> None:
    by_address = Subject("address").of(exchange())
    assert Subject("client").of(exchange()) == by_address
    assert Subject("header:X-Tenant").of(exchange()) == by_address
    assert Subject("header:X-Tenant").of(exchange("/", (b"x-tenant", b"a"))) != by_address


def test_kinds_of_subjects_can_not_be_taken_for_each_other() -> None:
    sent = exchange("/", (b"X-A", b"192.0.2.1"))
    sent.token = replace(FACTS, client="192.0.2.1")
    subjects = {Subject(by).of(sent) for by in ("client", "address", "route", "header:x-a")}
    assert len(subjects) == 4


def test_a_long_value_is_cut() -> None:
    assert len(Subject("header:X-A").of(exchange("/", (b"X-A", b"x" * 5000)))) < 300


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::1", True),
        ("nonsense", "", False),
    ],
)
def test_an_address_is_a_household(one: str, other: str, same: bool) -> None:
    assert (address_subject(one) == address_subject(other)) is same


def test_a_household_is_where_it_is() -> None:
    sent = exchange()
    sent.request = replace(sent.request, peer=direct_peer("2001:db8::1", "https"))
    assert Subject("address").of(sent) == "a6 20010db800000000"


@pytest.mark.parametrize("by", ["", "Client", "header:", "header:a b", "header", "user"])
def test_what_is_nothing_to_go_by_is_refused(by: str) -> None:
    with pytest.raises(ValueError, match="must be client"):
        Subject(by)
