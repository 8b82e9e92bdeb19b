"""Every snippet of the documentation is right, by `gatepost check`, the JSON Schema, a shell and JSON."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Command, Context, Group
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from gateway.cli import main
from tests.project.imports import ROOT
from tests.project.snippets import (
    PAGES,
    Snippet,
    completed,
    environment,
    make_files,
    missing_modules,
    read,
    snippets,
)
from tests.yaml_text import yaml_text

SNIPPETS = list(snippets())
CONFIGURATIONS = [snippet for snippet in SNIPPETS if snippet.info == "yaml"]
SHELL = [snippet for snippet in SNIPPETS if snippet.info.split()[:1] == ["sh"]]
COMMANDS = [
    pytest.param(line.strip(), id=f"{snippet}: {line.strip()}")
    for snippet in SHELL
    for line in snippet.text.replace("\\\n", " ").splitlines()
    if re.match(r"\s*(?:\.venv/bin/)?gatepost ", line)
]


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    printed = CliRunner().invoke(main, ["schema"])
    return Draft202012Validator(json.loads(printed.stdout))


@pytest.mark.parametrize("snippet", CONFIGURATIONS, ids=str)
def test_a_configuration_is_good_for_check_and_for_the_schema(
    snippet: Snippet, schema: Draft202012Validator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fragment = read(snippet.text)
    schema.validate(fragment)
    if missing := missing_modules(fragment):
        pytest.skip(f"{', '.join(missing)} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(PAGES / "examples")
    make_files(fragment, tmp_path)
    (tmp_path / "gateway.yaml").write_text(yaml_text(completed(fragment), allow_unicode=True))
    # With secrets of one's own: `check` warns of those that the shipped file has for the demo.
    own = dict.fromkeys(("DEMO_SECRET", "PORTAL_PASSWORD"), "a-secret-of-32-characters-or-more")
    result = CliRunner(env=environment(snippet.text) | own).invoke(main, ["check"])
    if "CI" not in os.environ and "needs the extra" in result.stderr:
        pytest.skip(result.stderr)
    assert (result.exit_code, result.stderr) == (0, "")


def test_there_are_configurations_in_most_parts_of_the_documentation() -> None:
    folders = {str(snippet.page.parent.relative_to(ROOT)) for snippet in CONFIGURATIONS}
    assert {".", "docs/pages/how-to", "docs/pages/reference/plugins"} <= folders


@pytest.mark.parametrize("snippet", [one for one in SNIPPETS if one.info.startswith("yaml ")], ids=str)
def test_other_yaml_says_which_file_it_is_and_can_be_read(snippet: Snippet) -> None:
    assert re.fullmatch(r'yaml title="[\w.-]+"', snippet.info)
    assert list(yaml.safe_load_all(snippet.text))


@pytest.mark.parametrize("snippet", [one for one in SNIPPETS if one.info.startswith("json")], ids=str)
def test_json_is_json(snippet: Snippet) -> None:
    json.loads(snippet.text)


@pytest.mark.parametrize("snippet", SHELL, ids=str)
def test_a_shell_understands_it(snippet: Snippet) -> None:
    subprocess.run(["bash", "-n"], input=snippet.text, text=True, check=True)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_and_its_options_are_there(line: str) -> None:
    command: Any = main
    words = shlex.split(re.split(r" [|>&] ?", line)[0], comments=True)[1:]
    while isinstance(command, Group):
        found = command.get_command(Context(command), words.pop(0)) if words else None
        assert isinstance(found, Command), line
        command = found
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    used = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert used <= known | {"-h", "--help"}, line
