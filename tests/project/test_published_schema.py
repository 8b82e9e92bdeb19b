"""The JSON Schema in the documentation is the one that the program has, and gateway.yaml names it."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from gateway.config.schema import json_schema
from gateway.plugin.catalog import PluginCatalog
from tests.project.imports import ROOT

PUBLISHED = ROOT / "docs" / "pages" / "gateway.schema.json"


def test_the_published_schema_is_what_gatepost_schema_prints() -> None:
    wanted = json.dumps(json_schema(PluginCatalog()), indent=2, ensure_ascii=False) + "\n"
    assert PUBLISHED.read_text() == wanted, "gatepost schema > docs/pages/gateway.schema.json"


def test_the_shipped_file_tells_editors_where_the_schema_is() -> None:
    first = (ROOT / "gateway.yaml").read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={PUBLISHED.relative_to(ROOT)}"
    Draft202012Validator.check_schema(json.loads(PUBLISHED.read_text()))
