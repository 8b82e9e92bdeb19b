"""docs/configuration.md and the shipped gateway.yaml tell of every key, and of no other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config.issuers import Introspection
from gateway.config.load import load
from gateway.config.model import Settings
from gateway.plugin_catalog import Catalog
from tests.config.example import all_keys, settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text()
SHIPPED = ROOT / "gateway.yaml"
ROW = re.compile(r"^\| `([^`]+)` \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
REQUIRED: dict[str, Any] = {
    "server": {"listen": [{"port": 80, "tls": {"certificate": str(SHIPPED), "key": str(SHIPPED)}}]},
    "grants": {"password": {}},
    "clients": [{"id": "a", "secrets": [{"secret": "x"}]}],
    "tiers": {"bronze": {"limit": 1000, "per": "1m"}},
    "upstreams": {"o": {"servers": [{"url": "https://h"}], "health": {}, "tls": {}}},
    "routes": [
        {
            "path": "/",
            "upstream": "o",
            "canary": {"upstream": "http://c", "percent": 1},
            "plugins": [{"use": "request_id"}],
        }
    ],
    "issuers": {"i": {"issuer": "https://i", "audiences": ["a"]}},
    "plugins": [{"use": "request_id"}],
    "portal": {"users": [{"name": "admin", "password": "x"}]},
}


def documented() -> Iterator[tuple[str, str, str]]:
    """Each row: the key, its default, what it means."""
    for key, default, meaning in ROW.findall(PAGE):
        yield key, default.strip(), meaning.strip()


def test_every_key_is_documented_once_and_no_other() -> None:
    keys = [key for key, _, _ in documented()]
    assert sorted(keys) == sorted(all_keys(Settings))


def with_default(key: str, default: Any) -> dict[str, Any]:
    """What is required, and this key at its default."""
    tree: Any = yaml.safe_load(yaml.safe_dump(REQUIRED))
    *above, last = key.replace("[]", ".0").split(".")
    node = tree
    for part in above:
        if part == "<name>":
            node = next(iter(node.values()))
        elif part == "0":
            node = node[0]
        else:
            node = node.setdefault(part, {})
    node[last] = default
    return dict(tree)


@pytest.mark.parametrize(
    ("key", "default"),
    [
        pytest.param(key, default, id=key)
        for key, default, _ in documented()
        if default.startswith("`") and "." in key
    ],
)
def test_the_documented_default_is_the_default(key: str, default: str) -> None:
    given = with_default(key, yaml.safe_load(default.strip("`")))
    if key in ("server.listen", "server.listen[].tls"):
        # What is beneath them is required where they are given.
        assert settings(yaml.safe_dump({"server": given["server"]})).server.listen[0].tls is None
    elif key == "issuers.<name>.audiences":
        # Without introspection it is required.
        introspection = {"url": "https://i/introspect", "client_id": "g", "client_secret": "x"}
        given["issuers"]["i"]["introspection"] = introspection
        assert settings(yaml.safe_dump(given)).issuers["i"].audiences == ()
    elif key.startswith("issuers.<name>.introspection."):
        introspection = {"url": "https://i/introspect", "client_id": "g", "client_secret": "x"}
        given["issuers"]["i"]["introspection"] |= introspection
        model = settings(yaml.safe_dump(given)).issuers["i"].introspection
        assert model == Introspection.model_validate(introspection)
    elif key == "portal.users":
        assert settings(yaml.safe_dump(given)).portal.users == ()
    elif key == "routes[].plugins":
        assert settings(yaml.safe_dump(given)).routes[0].plugins == ()
    elif key == "routes[].canary":
        assert settings(yaml.safe_dump(given)).routes[0].canary is None
    elif key in ("upstreams.<name>.health", "upstreams.<name>.tls"):
        assert getattr(settings(yaml.safe_dump(given)).upstreams["o"], key.rpartition(".")[2]) is None
    else:
        expected = settings(yaml.safe_dump(REQUIRED))
        assert settings(yaml.safe_dump(given)).model_dump() == expected.model_dump()


def test_sections_have_the_documented_defaults() -> None:
    for key, default, _ in documented():
        if "." not in key and default:
            found = settings(yaml.safe_dump({key: yaml.safe_load(default.strip("`"))}))
            assert getattr(found, key) == getattr(settings("logging: {}"), key), key


def test_required_keys_are_documented_as_such() -> None:
    required = {key for key, default, _ in documented() if default == "required"}
    assert required == {
        "server.listen[].port", "server.listen[].tls.certificate", "server.listen[].tls.key",
        "clients[].id", "clients[].secrets[].secret",
        "tiers.<name>.limit", "tiers.<name>.per",
        "upstreams.<name>.servers", "upstreams.<name>.servers[].url",
        "routes[].path", "routes[].upstream", "routes[].plugins[].use", "plugins[].use",
        "routes[].canary.upstream", "routes[].canary.percent",
        "portal.users[].name", "portal.users[].password", "issuers.<name>.issuer",
        "issuers.<name>.introspection.url", "issuers.<name>.introspection.client_id",
        "issuers.<name>.introspection.client_secret",
    }  # fmt: skip


def test_the_shipped_file_loads_with_nothing_in_the_environment() -> None:
    found = load(SHIPPED, {}, Catalog())
    assert (found.clients[0].id, found.clients[0].secrets[0].plain) == ("demo", "demo-secret")
    assert found.upstreams["orders"].servers[0].url == "http://127.0.0.1:9001"
    assert [listener.port for listener in found.server.listen] == [8280, 8243]


def test_the_shipped_file_takes_what_a_container_sets() -> None:
    environ = {
        "GATEPOST_STORE": "redis://redis:6379/0",
        "ORDERS_URL": "http://backend:9001",
        "GATEPOST_MANAGEMENT_HOST": "0.0.0.0",
        "DEMO_SECRET": "other",
    }
    found = load(SHIPPED, environ, Catalog())
    assert found.store.url == "redis://redis:6379/0"
    assert found.upstreams["orders"].servers[0].url == "http://backend:9001"
    assert found.management is not None
    assert found.management.host == "0.0.0.0"
    assert found.clients[0].secrets[0].plain == "other"


def test_the_shipped_file_has_every_key_and_stays_short() -> None:
    text = SHIPPED.read_text()
    for key in all_keys(Settings):
        name = key.rpartition(".")[2]
        assert re.search(rf"(^|[\s{{#-]){name}:", text, re.MULTILINE), key
    assert len(text.splitlines()) <= 190
    assert max(map(len, text.splitlines())) <= 110


def test_the_shipped_files_own_values_are_the_defaults_where_it_says_so() -> None:
    found, default = load(SHIPPED, {}, Catalog()), settings("logging: {}")
    for section in ("server", "management", "store", "tokens", "scopes", "logging"):
        assert getattr(found, section) == getattr(default, section)
