"""`extends`: a file of one environment is laid over the one that all environments share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config.differences import differences
from gateway.config.includes import files_of
from gateway.config.load import load, load_text
from gateway.config.model import Settings
from gateway.config.overlays import IDENTITIES
from gateway.config.problems import ConfigurationError
from gateway.config.referenced_files import source_files
from gateway.plugin.catalog import PluginCatalog

BASE = """\
server:
  workers: 2
  timeouts: {header: 5s, body: 7s}
  listen: [{port: 8280}, {port: 8281}]
store: {url: "${STORE}"}
scopes: {application: app}
tokens: {audience: https://api.example.org}
upstreams:
  orders: {servers: [{url: "http://127.0.0.1:1"}], max_connections: 7}
  old: {servers: [{url: "http://127.0.0.1:2"}]}
clients:
  - {id: shop, secrets: [a-secret], scopes: [read], lifetime: 5m}
  - {id: till, secrets: [b-secret]}
routes:
  - {path: /orders, methods: [GET, HEAD], upstream: orders, scopes: [read]}
  - {path: /orders, methods: [POST], upstream: orders, scopes: [write]}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def write(text: str, file: str = "gateway.yaml") -> None:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text(text)


def loaded(text: str = "", file: str = "gateway.yaml", **environ: str) -> Settings:
    """A file that extends base.yaml, with this text besides."""
    if text:
        write("extends: base.yaml\n" + text, file)
    return load(Path(file), {"STORE": "embedded", **environ}, PluginCatalog())


def problems(text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        loaded(text, **environ)
    return [str(problem) for problem in caught.value.problems]


def test_a_file_that_says_nothing_else_is_the_other() -> None:
    both = loaded("# nothing\n")
    assert differences(loaded(file="base.yaml"), both) == []
    assert both.extends == "base.yaml"


def test_mappings_are_merged_and_values_and_lists_replaced() -> None:
    found = loaded(
        "server: {timeouts: {body: 9s}, listen: [{port: 80}]}\nupstreams: {orders: {max_connections: 9}}\n"
    )
    assert (found.server.workers, found.server.timeouts.header, found.server.timeouts.body) == (2, 5, 9)
    assert [listener.port for listener in found.server.listen] == [80]
    orders = found.upstreams["orders"]
    assert (orders.max_connections, orders.servers[0].url) == (9, "http://127.0.0.1:1")


def test_clients_are_merged_by_id_and_others_added() -> None:
    found = loaded(
        "clients:\n- {id: till, enabled: false}\n- {id: new, secrets: [c]}\n- {id: shop, scopes: [write]}\n"
    )
    assert [(client.id, client.enabled) for client in found.clients] == [
        ("shop", True),
        ("till", False),
        ("new", True),
    ]
    shop = found.clients[0]
    assert (shop.scopes, shop.lifetime) == (("write",), 300), "a list within it is replaced"


def test_routes_are_merged_by_what_they_match_and_others_added() -> None:
    found = loaded(
        "routes:\n- {path: /orders, methods: [HEAD, GET], scopes: [audit]}\n"
        "- {path: /orders, methods: [DELETE], upstream: orders}\n- {path: /new, upstream: orders}\n"
    )
    assert [(route.path, route.methods, route.scopes) for route in found.routes] == [
        ("/orders", ("HEAD", "GET"), ("audit",)),
        ("/orders", ("POST",), ("write",)),
        ("/orders", ("DELETE",), ()),
        ("/new", None, ()),
    ]


def test_users_of_the_portal_are_merged_by_name() -> None:
    write(BASE + "portal: {users: [{name: ann, password: one-long-password, admin: true}]}\n", "base.yaml")
    found = loaded("portal: {users: [{name: ann, password: other-long-password}]}\n")
    ((user),) = found.portal.users
    assert (user.admin, user.password.get_secret_value()) == (True, "other-long-password")


@pytest.mark.parametrize("path", IDENTITIES, ids=".".join)
def test_every_list_that_is_merged_is_one_of_the_configuration(path: tuple[str, ...]) -> None:
    node: Any = Settings()
    for part in path:
        node = getattr(node, part)
    assert node == ()


def test_null_takes_a_mapping_or_a_list_out_and_replaces_a_value() -> None:
    found = loaded(
        "server: null\nupstreams: {old: null}\nscopes: {application: null}\ntokens: {audience: null}\n"
    )
    assert found.server.workers == 1
    assert list(found.upstreams) == ["orders"]
    assert loaded("clients: null\n").clients == ()
    assert (found.scopes.application, found.tokens.audience) == (None, None)


def test_a_variable_of_a_replaced_value_need_not_be_set() -> None:
    write("extends: base.yaml\nstore: {url: 'redis://127.0.0.1'}\n")
    assert load(Path("gateway.yaml"), {}, PluginCatalog()).store.url == "redis://127.0.0.1"
    write("extends: base.yaml\n")
    with pytest.raises(ConfigurationError, match=r"base\.yaml:5:14: store\.url: .*STORE is not set"):
        load(Path("gateway.yaml"), {}, PluginCatalog())


def test_problems_have_the_file_that_they_are_in() -> None:
    write(BASE + "unknown: 1\n", "base.yaml")
    found = problems("clients:\n- {id: till, lifetime: no}\nroutes:\n- {path: /x, upstream: nobody}\n")
    assert "base.yaml:17:1: unknown: unknown key" in found
    assert any(line.startswith("gateway.yaml:3:24: clients[1].lifetime: ") for line in found)
    assert any(
        line.startswith("gateway.yaml:5:24: routes[2].upstream: there is no upstream") for line in found
    )


@pytest.mark.parametrize(
    ("extends", "line"),
    [
        ("missing.yaml", "gateway.yaml:1:10: extends: missing.yaml can't be read: No such file"),
        ("'*.yaml'", "gateway.yaml:1:10: extends: must name one other file"),
        ("gateway.yaml", "gateway.yaml:1:10: extends: must name one other file"),
        ("list.yaml", "list.yaml:1:1: the file must be a mapping"),
        ("broken.yaml", "broken.yaml:2:1: is not YAML"),
        ("circle.yaml", "circle.yaml:1:10: extends: must name one other file"),
        ("pair.yaml", "riap.yaml:1:10: extends: must name one other file, which does not extend this one"),
        ("[base.yaml]", "gateway.yaml:1:10: extends: "),
        ('"${UNSET}.yaml"', "gateway.yaml:1:10: extends: "),
        ("including.yaml", "more.yaml:1:1: extends: works in the main file only"),
    ],
)
def test_what_is_wrong_with_the_other_file_is_said_with_its_place(extends: str, line: str) -> None:
    write("- a\n", "list.yaml")
    write("a: [\n", "broken.yaml")
    write("extends: gateway.yaml\n", "circle.yaml")
    write("extends: riap.yaml\n", "pair.yaml")
    write("extends: pair.yaml\n", "riap.yaml")
    write("include: [more.yaml]\n", "including.yaml")
    write("extends: base.yaml\n", "more.yaml")
    write(f"extends: {extends}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(Path("gateway.yaml"), {}, PluginCatalog())
    assert any(str(problem).startswith(line) for problem in caught.value.problems), caught.value


def test_the_name_of_the_other_file_may_come_from_the_environment() -> None:
    write('extends: "${BASE:-none}.yaml"\n')
    assert loaded(BASE="base").server.workers == 2


def test_a_chain_of_files_each_in_its_folder_with_its_includes() -> None:
    write("include: ['routes.d/*.yaml', '*.yaml']\n" + BASE, "shared/base.yaml")
    write("routes: [{path: /shared, upstream: orders}]\n", "shared/routes.d/a.yaml")
    write("tiers: {gold: {limit: 5, per: 1m}}\n", "shared/tiers.yaml")
    write("extends: ../shared/base.yaml\nserver: {workers: 3}\n", "europe/region.yaml")
    write("extends: ../europe/region.yaml\ninclude: [more.yaml]\nserver: {max_body: 5m}\n", "live/live.yaml")
    write("routes: [{path: /live, upstream: orders}]\n", "live/more.yaml")
    found = loaded(file="live/live.yaml")
    assert [route.path for route in found.routes] == ["/orders", "/orders", "/shared", "/live"]
    assert (found.server.workers, found.server.max_body, list(found.tiers)) == (3, 5 * 1024**2, ["gold"])
    watched = {str(Path(file).resolve().relative_to(Path.cwd())) for file in source_files(found)}
    assert watched == {
        "live/live.yaml",
        "live/more.yaml",
        "europe/region.yaml",
        "shared/base.yaml",
        "shared/tiers.yaml",
        "shared/routes.d/a.yaml",
    }


def test_it_can_be_loaded_again_from_its_source_when_the_files_are_gone() -> None:
    write("include: [more.yaml]\n" + BASE, "base.yaml")
    write("routes: [{path: /more, upstream: orders}]\n", "more.yaml")
    found = loaded("server: {workers: 3}\n")
    for file in ("gateway", "base", "more"):
        Path(f"{file}.yaml").unlink()
    source = found.source
    assert source is not None
    assert source.variables == {"STORE": "embedded"}
    copied = type(source).from_json(source.to_json())
    again = load_text(copied.text, copied.variables, PluginCatalog(), files=files_of(copied))
    assert again.model_dump() == found.model_dump()


def test_the_example_of_the_reference_is_laid_over_the_shipped_file() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs/pages/reference/configuration.md").read_text()
    text = page.partition('```yaml title="production.yaml"\n')[2].partition("```")[0]
    write((root / "gateway.yaml").read_text(), "base.yaml")
    write(text.replace("extends: gateway.yaml", "extends: base.yaml"), "production.yaml")
    found = load(Path("production.yaml"), {"GATEPOST_STORE": "redis://127.0.0.1"}, PluginCatalog())
    assert len(found.upstreams["orders"].servers) == 2
    assert [(client.id, client.enabled) for client in found.clients] == [("demo", False)]
    assert found.portal.users == ()
    assert set(yaml.safe_load(text)) == {"extends", "server", "store", "upstreams", "clients", "portal"}
