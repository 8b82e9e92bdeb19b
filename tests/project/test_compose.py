"""docker-compose.yml hands the gateway secrets of one's own, and does not start without."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from gateway.config.checks import SERVING
from gateway.config.load import load
from gateway.plugin.catalog import PluginCatalog

ROOT = Path(__file__).parents[2]
SECRETS = {"PORTAL_PASSWORD", "DEMO_SECRET", "GATEPOST_KEY"}


def environment() -> dict[str, str]:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    found: dict[str, str] = compose["services"]["gateway"]["environment"]
    return found


def test_compose_asks_for_each_secret() -> None:
    given = environment()
    for name in SECRETS:
        assert re.fullmatch(rf"\$\{{{name}:\?.+\}}", given[name]), name


def test_the_shipped_file_uses_each_secret_that_compose_hands_over() -> None:
    own = {name: f"{name}-of-32-characters-and-more-of-ones-own" for name in SECRETS}
    found = load(ROOT / "gateway.yaml", {**environment(), **own}, PluginCatalog(), SERVING)
    assert found.clients[0].secrets[0].plain == own["DEMO_SECRET"]  # type: ignore[union-attr]  # a plain one
    assert found.portal.users[0].password.get_secret_value() == own["PORTAL_PASSWORD"]
    assert found.tokens.key is not None
    assert found.tokens.key.get_secret_value() == own["GATEPOST_KEY"]


def test_all_that_the_file_takes_from_the_environment_is_handed_over() -> None:
    names = set(
        re.findall(r"\$\{([A-Z_]+)", re.sub(r"(?m)^\s*#.*$|\s#.*$", "", (ROOT / "gateway.yaml").read_text()))
    )
    assert names <= set(environment())
