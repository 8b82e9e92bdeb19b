"""For whose pages passkeys are, and when a counter says that one was copied."""

from __future__ import annotations

import pytest

from gateway.oauth.passkey import RelyingParty, count_regressed, relying_party


@pytest.mark.parametrize(
    ("url", "host", "origin"),
    [
        ("https://Portal.example.org", "portal.example.org", "https://portal.example.org"),
        ("https://portal.example.org:443/base", "portal.example.org", "https://portal.example.org"),
        ("https://portal.example.org:8243", "portal.example.org", "https://portal.example.org:8243"),
        ("http://localhost:8280", "localhost", "http://localhost:8280"),
        ("http://shop.localhost:80", "shop.localhost", "http://shop.localhost"),
    ],
)
def test_the_relying_party_is_the_host_of_the_public_url(url: str, host: str, origin: str) -> None:
    assert relying_party(url) == RelyingParty(host, origin)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://portal.example.org", "needs an https URL"),
        ("http://localhost.example.org", "needs an https URL"),
        ("http://notlocalhost", "needs an https URL"),
        ("https://192.0.2.1", "needs a host name"),
        ("http://127.0.0.1:8280", "needs a host name"),
        ("https://[::1]", "needs a host name"),
    ],
)
def test_where_browsers_have_no_passkeys_it_says_why(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        relying_party(url)


@pytest.mark.parametrize(
    ("before", "now", "regressed"),
    [(0, 0, False), (0, 1, False), (4, 5, False), (4, 4, True), (4, 3, True), (4, 0, True)],
)
def test_a_counter_grows_unless_there_is_none(before: int, now: int, regressed: bool) -> None:
    assert count_regressed(before, now) is regressed
