import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gateway.config.schema import json_schema
from tests.config.example import StubCatalog
from tests.config.test_load import FULL, changed


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema(StubCatalog())


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema)


def test_it_is_a_json_schema_of_draft_2020_12(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_good_file_keeps_to_it(validator: Draft202012Validator) -> None:
    validator.validate(FULL)
    validator.validate({})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("server", "workers"), "${WORKERS}"),
        (("server", "workers"), 3),
        (("server", "listen", 0, "port"), "${PORT:-80}"),
        (("server", "listen", 0, "tls"), None),
        (("server", "listen", 0, "tls"), {"certificate": "c", "key": "k"}),
        (("server", "listen", 0, "tls"), [{"certificate": "c", "key": "k"}]),
        (("server", "timeouts", "header"), 0.5),
        (("server", "timeouts", "header"), "250ms"),
        (("server", "max_body"), "1g"),
        (("management",), {"port": 1}),
        (("management",), "${MANAGEMENT}"),
        (("tokens", "lifetime"), "${LIFETIME}"),
        (("logging", "level"), "${LEVEL:-info}"),
        (("grants", "password", "attempts"), "${ATTEMPTS}"),
        (("grants", "password", "use"), "own:Password"),
        (("plugins", 0, "with", "limit"), "${LIMIT}"),
        (("plugins", 0), {"use": "own.module:Class", "with": {"any": 1}}),
        (("plugins", 0), {"use": "request_id"}),
        (("tiers",), {"bronze": "1000 per 1m", "gold": {"limit": 5, "per": 1}}),
        (("tiers",), {"bronze": "${BRONZE}"}),
    ],
)
def test_short_forms_and_references_keep_to_it(
    validator: Draft202012Validator, path: Any, value: Any
) -> None:
    validator.validate(changed(FULL, path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("server",), {"listn": []}),
        (("server", "workers"), "many"),
        (("server", "listen"), []),
        (("server", "listen", 0, "tls"), "maybe"),
        (("server", "listen", 0, "tls"), []),
        (("server", "timeouts", "header"), "3 days"),
        (("management",), True),
        (("management",), None),
        (("tokens", "reuse"), "yes"),
        (("clients", 0), {"id": "a"}),
        (("routes", 0, "match"), "regex"),
        (("routes", 0, "methods"), []),
        (("logging", "level"), "warn"),
        (("grants", "password", "attempts"), "many"),
        (("grants", "client_credentials"), {"attempts": 1}),
        (("plugins", 0, "with"), {"limit": 1, "bye": 2}),
        (("plugins", 0), {"use": "limit"}),
        (("plugins", 0), {"use": "limt"}),
        (("plugins", 0), {"use": "request_id", "config": {}}),
        (("tiers",), {"bronze": "1000 every minute"}),
    ],
)
def test_what_gateway_yaml_may_not_have_breaks_it(
    validator: Draft202012Validator, path: Any, value: Any
) -> None:
    assert not validator.is_valid(changed(FULL, path, value))


def test_every_property_is_described(schema: dict[str, Any]) -> None:
    own = [schema, *(inner for name, inner in schema["$defs"].items() if "." not in name)]
    for part in own:
        for name, inner in part.get("properties", {}).items():
            told = schema["$defs"][inner["$ref"].rpartition("/")[2]] if "$ref" in inner else inner
            assert told["description"], name
