"""Each plugin has a page in the reference that documents every key with its default, and no other key."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.config.load import load_text
from gateway.plugin.catalog import BUILT_IN, PluginCatalog
from tests.project.snippets import OF_EXTRAS, make_files
from tests.yaml_text import yaml_text

DOCS = Path(__file__).parents[2] / "docs" / "pages" / "reference"
ROW = re.compile(r"^\| `([^`]+)` \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
EXAMPLE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLUGINS = sorted(BUILT_IN["proxy"])
ELSEWHERE = {"SHOP_SECRET": "secret", "SHOP_API_KEY": "0123456789abcdef", "WEBHOOK_SECRET": "w" * 24}


def page(name: str) -> str:
    return (DOCS / "plugins" / f"{name}.md").read_text()


def keys(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield above + name, field
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{above}{name}.")


@pytest.mark.parametrize("name", PLUGINS)
def test_every_key_is_documented_with_its_default(name: str) -> None:
    fields = dict(keys(PluginCatalog().config_model(name, "proxy")))
    rows = {key: default.strip() for key, default, _ in ROW.findall(page(name))}
    assert rows.keys() == fields.keys()
    for key, field in fields.items():
        assert rows[key].strip("`") == ("required" if field.is_required() else documented(field.default)), key


def documented(default: Any) -> str:
    """A default as the page writes it; that of a mapping of keys is told key by key."""
    if isinstance(default, BaseModel):
        return ""
    plain = list(default) if isinstance(default, tuple) else default
    text = yaml_text(plain, default_flow_style=True, width=1000).removesuffix("...\n").strip()
    return f'"{default}"' if isinstance(default, str) and "{" in default else text


@pytest.mark.parametrize("name", PLUGINS)
def test_every_key_describes_itself_for_editors(name: str) -> None:
    for key, field in keys(PluginCatalog().config_model(name, "proxy")):
        assert field.description, key


@pytest.mark.parametrize("name", PLUGINS)
def test_the_example_works(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in OF_EXTRAS:
        pytest.importorskip(OF_EXTRAS[name])
    monkeypatch.chdir(tmp_path)
    examples = EXAMPLE.findall(page(name))
    assert examples
    for example in examples:
        given = yaml.safe_load(example)
        server = {"servers": [{"url": "http://127.0.0.1:9001"}]}
        given.setdefault("upstreams", {"orders": server, "files": server})
        assert f"use: {name}" in example
        make_files(given, tmp_path)
        load_text(yaml_text(given), ELSEWHERE, PluginCatalog())


def test_no_page_outlives_its_plugin_and_the_table_of_contents_has_each() -> None:
    pages = {path.stem for path in (DOCS / "plugins").glob("*.md")} - {"index"}
    assert pages == set(PLUGINS)
    contents = page("index")
    assert re.findall(r"^\| \[(\w+)\]\(\1\.md\)", contents, re.MULTILINE) == PLUGINS
