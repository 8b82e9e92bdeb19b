"""The JSON Schema of gateway.yaml for editors, with plugin keys and short forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.config.environment import SCHEMA_PATTERN
from gateway.config.model import Settings
from gateway.config.plugin_lookup import Kind, PluginLookup

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = "EnvironmentReference"
ANNOTATIONS = ("description", "default", "deprecated", "examples")
CONSTRAINTS = ("pattern", "minLength", "maxLength", "format", "enum", "const")
Schema = dict[str, Any]


def json_schema(catalog: PluginLookup) -> Schema:
    """The schema (draft 2020-12) with the keys of all plugins in the catalog."""
    schema: Schema = Settings.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    definitions.pop("BaseModel", None)
    definitions["PluginUse"] = _plugin_use(definitions, catalog)
    schema["properties"]["grants"] |= _grants(definitions, catalog)
    with_references: Schema = _open(schema)
    with_references["$defs"][REFERENCE] = {
        "type": "string",
        "pattern": SCHEMA_PATTERN,
        "description": "From the environment: ${NAME} or ${NAME:-default}; from a file: ${file:PATH}.",
    }
    head: Schema = {"$schema": DIALECT, "title": "gateway.yaml"}
    return head | with_references


def _plugin_use(definitions: Schema, catalog: PluginLookup) -> Schema:
    """A use of a plugin; the schema of `with` depends on `use`."""
    use: Schema = definitions["PluginUse"]
    names = catalog.names("proxy")
    description = use["properties"]["with"]["description"]
    use["properties"]["with"] = {"type": "object", "description": description}
    use["properties"]["use"] = {
        "description": use["properties"]["use"]["description"],
        "anyOf": [{"enum": names}, {"type": "string", "pattern": ":"}] if names else [{"type": "string"}],
    }
    for name in names:
        own = _own_keys(definitions, catalog, name, "proxy")
        then: Schema = {"properties": {"with": own}}
        if own.get("required"):
            then["required"] = ["with"]
        condition = {"properties": {"use": {"const": name}}, "required": ["use"]}
        use.setdefault("allOf", []).append({"if": condition, "then": then})
    return use


def _grants(definitions: Schema, catalog: PluginLookup) -> Schema:
    """The grants by name. Grants with `use` may have any further keys."""
    common = definitions.pop("GrantSettings")
    common["properties"].pop("config")
    grants = {}
    for name in catalog.names("grant"):
        own = _own_keys(definitions, catalog, name, "grant")
        properties = common["properties"] | own.get("properties", {})
        grants[name] = common | own | {"properties": properties, "description": common["description"]}
    return {"properties": grants, "additionalProperties": common | {"additionalProperties": True}}


def _own_keys(definitions: Schema, catalog: PluginLookup, name: str, kind: Kind) -> Schema:
    """The schema of a plugin's model; its definitions are moved to the top-level `$defs`."""
    prefix = f"{kind}.{name}."
    model = catalog.config_model(name, kind)
    own = model.model_json_schema(by_alias=True, ref_template=f"#/$defs/{prefix}{{model}}")
    definitions |= {prefix + inner: schema for inner, schema in own.pop("$defs", {}).items()}
    return own


def _open(schema: Any) -> Any:
    """The same schema with a reference to the environment allowed wherever its text could not stand.

    Titles, which pydantic makes from the keys, are left out.
    """
    if not isinstance(schema, dict):
        return schema
    # With references allowed in each, more than one of `oneOf` can fit.
    opened = {
        "anyOf" if keyword == "oneOf" else keyword: _inside(keyword, value)
        for keyword, value in schema.items()
        if keyword != "title"
    }
    if not _refuses_references(opened):
        return opened
    kept = {keyword: opened.pop(keyword) for keyword in ANNOTATIONS if keyword in opened}
    return kept | {"anyOf": [opened, {"$ref": f"#/$defs/{REFERENCE}"}]}


def _inside(keyword: str, value: Any) -> Any:
    if keyword in ("properties", "$defs", "patternProperties"):
        return {name: _open(inner) for name, inner in value.items()}
    if keyword in ("items", "additionalProperties", "then"):
        return _open(value)
    if keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        return _merged([_open(inner) for inner in value])
    return value


def _merged(options: list[Any]) -> list[Any]:
    """Flattens nested `anyOf` options and removes duplicates."""
    flat: list[Any] = []
    for option in options:
        inner = option["anyOf"] if isinstance(option, dict) and option.keys() == {"anyOf"} else [option]
        flat += [item for item in inner if item not in flat]
    return flat


def _refuses_references(schema: Mapping[str, Any]) -> bool:
    if schema.get("type") == "string" or "type" not in schema:
        return any(constraint in schema for constraint in CONSTRAINTS)
    return schema["type"] in ("integer", "number", "boolean")
