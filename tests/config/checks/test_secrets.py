"""Secrets that come with the program, weak ones, and those that clients encode wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.config.checks import SERVING
from gateway.config.load import load_text, warnings
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog

GOOD = "abcdefghijklmnopqrstuvwxyz-_0123"


def problems(text: str) -> Sequence[str]:
    try:
        load_text(text, {}, PluginCatalog(), further=SERVING)
    except ConfigurationError as error:
        return [f"{problem.key}: {problem.text}" for problem in error.problems]
    return []


def served_at(host: str, client: str = GOOD, password: str = GOOD) -> str:
    return (
        f'server: {{listen: [{{port: 80, host: "{host}"}}]}}\n'
        f'clients: [{{id: a, secrets: ["{client}"]}}]\n'
        f'portal: {{users: [{{name: admin, password: "{password}"}}]}}\n'
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gateway.example.org"])
@pytest.mark.parametrize(
    "known", ["demo-secret", "sha256:" + sha256(b"demo-secret").hexdigest()], ids=["plain", "hashed"]
)
def test_a_secret_that_is_shipped_is_not_served_to_others(host: str, known: str) -> None:
    (client,) = problems(served_at(host, client=known))
    assert client.startswith("clients[0].secrets[0]: ")
    assert "DEMO_SECRET" in client
    (user,) = problems(served_at(host, password="demo-password"))
    assert user.startswith("portal.users[0].password: ")
    assert "PORTAL_PASSWORD" in user


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_this_machine_the_shipped_secrets_will_do(host: str) -> None:
    assert problems(served_at(host, "demo-secret", "demo-password")) == []


def test_secrets_of_ones_own_are_served_everywhere() -> None:
    assert problems(served_at("0.0.0.0", "short", "also")) == []


@pytest.mark.parametrize(
    ("text", "key", "why"),
    [
        ("clients: [{id: a, secrets: [fifteen-chars-x]}]", "clients[0].secrets[0]", "fewer than 16"),
        (f"clients: [{{id: a, secrets: [{GOOD}+]}}]", "clients[0].secrets[0]", "percent-encode"),
        (f'clients: [{{id: a, secrets: ["%{GOOD}"]}}]', "clients[0].secrets[0]", "percent-encode"),
        ("portal: {users: [{name: a, password: seven77}]}", "portal.users[0].password", "fewer than 8"),
        ("portal: {sign_up: true}", "portal.sign_up", "portal.scopes"),
    ],
)
def test_what_should_be_changed_is_warned_of(tmp_path: Path, text: str, key: str, why: str) -> None:
    (tmp_path / "gateway.yaml").write_text(text)
    (found,) = warnings(tmp_path / "gateway.yaml", {}, PluginCatalog())
    assert (found.line, found.key) == (1, key)
    assert why in found.text
    assert GOOD not in found.text


@pytest.mark.parametrize(
    "text",
    [
        f"clients: [{{id: a, secrets: [{GOOD}]}}]",
        f"clients: [{{id: a, secrets: ['sha256:{'0' * 64}']}}]",
        "portal: {sign_up: true, scopes: [a]}",
        "portal: {sign_up: true, enabled: false}",
    ],
)
def test_what_is_well_is_not_warned_of(tmp_path: Path, text: str) -> None:
    (tmp_path / "gateway.yaml").write_text(text)
    assert warnings(tmp_path / "gateway.yaml", {}, PluginCatalog()) == []
