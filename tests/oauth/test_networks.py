import pytest

from gateway.oauth.networks import is_inside, is_link_local, is_loopback, is_public, may_be_public

NETWORKS = ("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32")


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("10.1.2.3", True),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("::ffff:10.0.0.1", True),
        ("2001:db8::1%eth0", True),
        ("2001:db9::1", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_an_address_is_inside_one_of_the_networks_or_outside(address: str, inside: bool) -> None:
    assert is_inside(NETWORKS, address) is inside


def test_without_networks_every_address_is_inside_also_an_unknown_one() -> None:
    assert is_inside((), "unknown")


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:a00:1::1", False),
        ("192.0.0.192", False),
        ("192.0.0.9", False),
        ("192.88.99.1", False),
        ("192.0.1.1", True),
        ("64:ff9b:1::a00:1", False),
        ("::10.0.0.1", False),
        ("fec0::1", False),
        ("5f00::1", False),
        ("3fff::1", False),
        ("100:0:0:1::1", False),
        ("3ffe::1", True),
    ],
)
def test_addresses_of_the_public_internet_are_told_from_all_others(host: str, public: bool) -> None:
    assert is_public(host) is public
    assert may_be_public(host) is public


def test_a_name_may_be_public_and_a_number_is_none() -> None:
    assert may_be_public("shop.example")
    assert not is_public("shop.example")
    for number in ("", "2130706433", "127.1", "127.1.", "0x7f.1"):
        assert not may_be_public(number)


@pytest.mark.parametrize(
    ("address", "link_local", "loopback"),
    [
        ("169.254.0.1", True, False),
        ("::ffff:169.254.169.254", True, False),
        ("64:ff9b::a9fe:a9fe", True, False),
        ("fe80::1", True, False),
        ("febf::1%eth0", True, False),
        ("fec0::1", False, False),
        ("fd00:ec2::254", True, False),
        ("192.0.0.192", True, False),
        ("127.0.0.2", False, True),
        ("::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("192.0.2.1", False, False),
        ("localhost", False, False),
        ("", False, False),
    ],
)
def test_link_local_and_loopback_addresses_are_told(address: str, link_local: bool, loopback: bool) -> None:
    assert (is_link_local(address), is_loopback(address)) == (link_local, loopback)
