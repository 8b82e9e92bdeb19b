import json
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from gateway.cli import main


class KeysAreText(yaml.SafeLoader):
    """Takes the key `on` for what it is in YAML 1.2, and in Gatepost: a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for key, _ in node.value:
            key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep)


def test_the_schema_is_printed_with_the_plugins_that_are_there() -> None:
    result = CliRunner().invoke(main, ["schema"])
    assert result.exit_code == 0
    printed = json.loads(result.stdout)
    validator = Draft202012Validator(printed)
    shipped = yaml.load((Path(__file__).parents[2] / "gateway.yaml").read_text(), KeysAreText)  # noqa: S506 (a safe one)
    validator.validate(shipped)
    shipped["plugins"] = [{"use": "request_id", "with": {"hedder": "X"}}]
    assert not validator.is_valid(shipped)
