"""What of the configuration the portal shows."""

from __future__ import annotations

from tests.portal.facts import facts


def test_over_https_cookies_are_secure() -> None:
    assert facts().secure
    assert not facts(public_url="http://gateway.example").secure
