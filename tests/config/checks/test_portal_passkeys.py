"""`portal.passkeys`: what must hold before browsers have passkeys for the portal."""

from __future__ import annotations

import pytest

from gateway.config import load
from tests.config.example import problems, settings

ON = "portal: {passkeys: on}\n"


def with_url(url: str) -> str:
    return f"server: {{public_url: '{url}'}}\n{ON}"


def test_they_are_off_unless_switched_on() -> None:
    assert settings("portal: {}").portal.passkeys is False
    assert settings(with_url("https://portal.example")).portal.passkeys is True
    assert settings(with_url("http://localhost:8280")).portal.passkeys is True


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ON, "1:20: portal.passkeys: needs server.public_url"),
        (with_url("http://portal.example"), "2:20: portal.passkeys: needs an https URL in server.public_url"),
        (with_url("https://192.0.2.1"), "portal.passkeys: needs a host name in server.public_url"),
    ],
)
def test_what_is_wrong_is_said_at_the_key(text: str, says: str) -> None:
    (found,) = problems(text)
    assert says in found


def test_the_extra_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_installed", lambda package: package != "webauthn")
    (found,) = problems(with_url("https://portal.example"))
    assert "needs the extra passkeys, which isn't installed: pip install 'gatepost[passkeys]'" in found
