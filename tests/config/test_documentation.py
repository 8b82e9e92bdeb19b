"""docs/pages/reference/configuration.md and the shipped gateway.yaml tell of every key, and of no other."""

import atexit
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from gateway.config.acme import AcmeSettings
from gateway.config.issuers import Introspection
from gateway.config.load import load
from gateway.config.model import Settings
from gateway.config.portal_github import PortalGithub
from gateway.config.portal_mail import SmtpServer
from gateway.config.portal_notify import NOTICE_EVENTS, PortalNotify
from gateway.config.portal_oidc import PortalOidc
from gateway.config.trust import TrustSettings
from gateway.plugin.catalog import PluginCatalog
from tests.certificates import Certificate
from tests.config.example import all_keys, settings
from tests.yaml_text import yaml_text

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "pages" / "reference" / "configuration.md").read_text()
SHIPPED = ROOT / "gateway.yaml"
ROW = re.compile(r"^\| `([^`]+)` \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
FOLDER = TemporaryDirectory()
atexit.register(FOLDER.cleanup)
PEM = str(Certificate().file(Path(FOLDER.name), "both"))
REQUIRED: dict[str, Any] = {
    "server": {"listen": [{"port": 80, "tls": {"certificate": PEM, "key": PEM}}]},
    "grants": {"password": {}},
    "clients": [
        {"id": "a", "secrets": [{"secret": "x"}], "trust": [{"issuer": "t", "subject": "a"}], "exchange": {}}
    ],
    "tiers": {"bronze": {"limit": 1000, "per": "1m"}},
    "upstreams": {
        "o": {
            "servers": [{"url": "https://h"}],
            "health": {},
            "adaptive_concurrency": {},
            "tls": {},
            "sticky": {"cookie": "c"},
            "auth": {"header": {"name": "X-Key", "value": "v"}},
        }
    },
    "routes": [
        {
            "path": "/",
            "upstream": "o",
            "canary": {"upstream": "http://c", "percent": 1},
            "mirror": {"upstream": "http://m"},
            "docs": {},
            "mcp": {"limits": {"t": {"limit": 1, "per": "1m"}}},
            "where": {"query": {"a": "1"}},
            "plugins": [{"use": "request_id"}],
        }
    ],
    "issuers": {
        "i": {"issuer": "https://i", "audiences": ["a"]},
        "t": {"preset": "spiffe", "issuer": "https://t"},
    },
    "plugins": [{"use": "request_id"}],
    "portal": {"users": [{"name": "admin", "password": "x"}]},
}


AUTH = {
    f"upstreams.<name>.auth.{key}"
    for key in (
        "basic.password", "basic.user", "client_credentials.client_id", "client_credentials.client_secret",
        "client_credentials.token_url", "header.name", "header.value",
    )
}  # fmt: skip


def documented() -> Iterator[tuple[str, str, str]]:
    """Each row: the key, its default, what it means."""
    for key, default, meaning in ROW.findall(PAGE):
        yield key, default.strip(), meaning.strip()


def test_every_key_is_documented_once_and_no_other() -> None:
    keys = [key for key, _, _ in documented()]
    assert sorted(keys) == sorted(set(all_keys(Settings)))


@cache
def required() -> dict[str, Any]:
    """The settings of what is required alone."""
    return settings(yaml_text(REQUIRED)).model_dump()


def with_default(key: str, default: Any) -> dict[str, Any]:
    """What is required, and this key at its default."""
    tree: Any = deepcopy(REQUIRED)
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
        if default.startswith("`") and "." in key and not re.search(r"\.(acme|oidc|github|notify)\.", key)
    ],
)
def test_the_documented_default_is_the_default(key: str, default: str) -> None:
    given = with_default(key, yaml.safe_load(default.strip("`")))
    if key in ("server.listen", "server.listen[].tls"):
        # What is beneath them is required where they are given.
        assert settings(yaml_text({"server": given["server"]})).server.listen[0].tls is None
    elif key == "issuers.<name>.audiences":
        # Without introspection it is required.
        introspection = {"url": "https://i/introspect", "client_id": "g", "client_secret": "x"}
        given["issuers"]["i"]["introspection"] = introspection
        assert settings(yaml_text(given)).issuers["i"].audiences == ()
    elif key.startswith("clients[].trust[]."):
        name = key.rpartition(".")[2]
        one = {"issuer": "t", "subject": "a", "claims": {"b": "c"}} | given["clients"][0]["trust"][0]
        given["clients"][0]["trust"] = [one]
        found = settings(yaml_text(given)).clients[0].trust[0]
        assert getattr(found, name) == TrustSettings.model_fields[name].default
    elif key.startswith("issuers.<name>.introspection."):
        introspection = {"url": "https://i/introspect", "client_id": "g", "client_secret": "x"}
        given["issuers"]["i"]["introspection"] |= introspection
        model = settings(yaml_text(given)).issuers["i"].introspection
        assert model == Introspection.model_validate(introspection)
    elif key in ("clients[].trust", "clients[].exchange"):
        assert not getattr(settings(yaml_text(given)).clients[0], key.rpartition(".")[2])
    elif key == "portal.users":
        assert settings(yaml_text(given)).portal.users == ()
    elif key == "routes[].plugins":
        assert settings(yaml_text(given)).routes[0].plugins == ()
    elif key in ("routes[].canary", "routes[].where", "routes[].mirror", "routes[].mcp", "routes[].docs"):
        assert getattr(settings(yaml_text(given)).routes[0], key.rpartition(".")[2]) is None
    elif key in (
        "upstreams.<name>.health",
        "upstreams.<name>.adaptive_concurrency",
        "upstreams.<name>.tls",
        "upstreams.<name>.auth",
        "upstreams.<name>.sticky",
    ):
        assert getattr(settings(yaml_text(given)).upstreams["o"], key.rpartition(".")[2]) is None
    else:
        assert settings(yaml_text(given)).model_dump() == required()


def test_the_documented_defaults_of_acme_are_the_defaults() -> None:
    given = {
        key.removeprefix("server.listen[].tls.acme."): yaml.safe_load(default.strip("`"))
        for key, default, _ in documented()
        if ".acme." in key and default.startswith("`")
    }
    assert AcmeSettings(domains=("a.test",), **given) == AcmeSettings(domains=("a.test",))
    assert len(given) == len(AcmeSettings.model_fields) - 1


def test_the_documented_defaults_of_oidc_are_the_defaults() -> None:
    given = {
        key.removeprefix("portal.oidc."): yaml.safe_load(default.strip("`"))
        for key, default, _ in documented()
        if key.startswith("portal.oidc.") and default.startswith("`")
    }
    needed = {"issuer": "https://id.example", "client_id": "me", "client_secret": "secret"}
    assert PortalOidc.model_validate(needed | given) == PortalOidc.model_validate(needed)
    assert len(given) == len(PortalOidc.model_fields) - len(needed)


def test_the_documented_defaults_of_github_are_the_defaults() -> None:
    given = {
        key.removeprefix("portal.github."): yaml.safe_load(default.strip("`"))
        for key, default, _ in documented()
        if key.startswith("portal.github.") and default.startswith("`")
    }
    needed = {"client_id": "me", "client_secret": "secret", "organizations": ["acme"]}
    assert PortalGithub.model_validate(given | needed) == PortalGithub.model_validate(needed)
    assert given["organizations"] == list(PortalGithub.model_fields["organizations"].default)
    assert len(given) == len(PortalGithub.model_fields) - len(needed) + 1


def test_the_documented_defaults_of_notices_are_the_defaults() -> None:
    given = {
        key.removeprefix("portal.notify."): yaml.safe_load(default.strip("`"))
        for key, default, _ in documented()
        if key.startswith("portal.notify.") and default.startswith("`")
    }
    assert (given.pop("webhook"), given.pop("email")) == (None, None)
    assert PortalNotify.model_fields["events"].default == NOTICE_EVENTS
    smtp = {key.removeprefix("email.smtp."): default for key, default in given.items() if ".smtp." in key}
    assert SmtpServer.model_validate({"host": "h"} | smtp) == SmtpServer(host="h")
    assert len(smtp) == len(SmtpServer.model_fields) - 1


def test_sections_have_the_documented_defaults() -> None:
    for key, default, _ in documented():
        if "." not in key and default:
            found = settings(yaml_text({key: yaml.safe_load(default.strip("`"))}))
            assert getattr(found, key) == getattr(settings("logging: {}"), key), key


def test_required_keys_are_documented_as_such() -> None:
    required = {key for key, default, _ in documented() if default == "required"}
    assert required == {
        "portal.notify.webhook.url", "portal.notify.webhook.secret",
        "portal.notify.email.from", "portal.notify.email.to",
        "portal.notify.email.smtp", "portal.notify.email.smtp.host",
        "server.listen[].tls.certificate", "server.listen[].tls.key",
        "server.listen[].tls.acme", "server.listen[].tls.acme.domains",
        "server.listen[].tls.acme.eab.key_id", "server.listen[].tls.acme.eab.key",
        "clients[].id", "clients[].secrets[].secret",
        "tiers.<name>.limit", "tiers.<name>.per",
        "upstreams.<name>.servers", "upstreams.<name>.servers[].url", "upstreams.<name>.sticky.cookie",
        "routes[].mirror.upstream", *AUTH,
        "routes[].mcp.limits.<name>.limit", "routes[].mcp.limits.<name>.per",
        "routes[].path", "routes[].upstream", "routes[].plugins[].use", "plugins[].use",
        "routes[].canary.upstream", "routes[].canary.percent",
        "portal.oidc.issuer", "portal.oidc.client_id", "portal.oidc.client_secret",
        "portal.oidc.admins.claim", "portal.oidc.admins.values",
        "portal.oidc.publishers.claim", "portal.oidc.publishers.values",
        "portal.oidc.developers.claim", "portal.oidc.developers.values",
        "portal.oidc.allow.claim", "portal.oidc.allow.values",
        "portal.github.client_id", "portal.github.client_secret",
        "portal.github.admins.claim", "portal.github.admins.values",
        "portal.github.publishers.claim", "portal.github.publishers.values",
        "portal.github.developers.claim", "portal.github.developers.values",
        "portal.github.allow.claim", "portal.github.allow.values",
        "portal.users[].name", "portal.users[].password", "clients[].trust[].issuer",
            "clients[].trust[].subject.pattern", "clients[].trust[].claims.<name>.pattern",
        "issuers.<name>.introspection.url", "issuers.<name>.introspection.client_id",
        "issuers.<name>.introspection.client_secret",
    }  # fmt: skip


def test_the_shipped_file_loads_with_nothing_in_the_environment() -> None:
    found = load(SHIPPED, {}, PluginCatalog())
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
    found = load(SHIPPED, environ, PluginCatalog())
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
    assert len(text.splitlines()) <= 240
    assert max(map(len, text.splitlines())) <= 110


def test_the_shipped_files_own_values_are_the_defaults_where_it_says_so() -> None:
    found, default = load(SHIPPED, {}, PluginCatalog()), settings("logging: {}")
    for section in ("server", "management", "store", "tokens", "scopes", "logging"):
        assert getattr(found, section) == getattr(default, section)
