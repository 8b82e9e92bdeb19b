import json
from pathlib import Path

import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from gateway.commands.schema import schema


def test_the_schema_is_printed_with_the_plugins_that_are_there() -> None:
    result = CliRunner().invoke(schema, [])
    assert result.exit_code == 0
    printed = json.loads(result.stdout)
    validator = Draft202012Validator(printed)
    shipped = yaml.safe_load((Path(__file__).parents[2] / "gateway.yaml").read_text())
    validator.validate(shipped)
    shipped["plugins"] = [{"use": "request_id", "with": {"hedder": "X"}}]
    assert not validator.is_valid(shipped)
