"""The reference pages are complete: every command and option, metric, error and log field is documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import get_args

import pytest
from click import Command, Context, Group, Option
from click.testing import CliRunner

from gateway.cli import COMMANDS, main
from gateway.config.logging import AccessField
from gateway.config.model import Settings
from gateway.http import problems
from gateway.oauth.errors import STATUS
from gateway.process.access_log_format import json_line
from gateway.telemetry import Telemetry
from tests.config.example import all_keys
from tests.project.imports import ROOT, sources

REFERENCE = ROOT / "docs" / "pages" / "reference"
CLI = (REFERENCE / "cli.md").read_text()
METRICS = (REFERENCE / "metrics.md").read_text()
ERRORS = (REFERENCE / "errors.md").read_text()
LOGS = (REFERENCE / "logs.md").read_text()
TYPE = re.compile(r"^# TYPE (\w+) (\w+)$", re.MULTILINE)
COMMON = {"-h", "--help", "-c", "--config"}


def commands(command: Command, name: str) -> Iterator[tuple[str, Command]]:
    """A command and those under it, by the words that call them."""
    yield name, command
    if isinstance(command, Group):
        context = Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from commands(found, f"{name} {below}")


EVERY_COMMAND = [(name, command) for name, command in commands(main, "gatepost") if name != "gatepost"]


def section(page: str, title: str) -> str:
    """The text under a heading, up to the next one of any level; empty where there is no such heading."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", page, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize(("name", "command"), EVERY_COMMAND, ids=[name for name, _ in EVERY_COMMAND])
def test_every_command_has_a_section_with_its_options(name: str, command: Command) -> None:
    text = section(CLI, name)
    assert text.strip()
    options = {
        option
        for parameter in command.params
        # `--json` of a command that prints JSON in any case is told once, for all.
        if isinstance(parameter, Option) and parameter.expose_value
        for option in parameter.opts
        if option.startswith("--")
    }
    assert {option for option in options - COMMON if f"| `{option}` |" not in text} == set()


IN_A_SENTENCE = {
    *(
        f"gatepost client {name}"
        for name in ("delete", "disable", "enable", "remove-secret", "revoke-tokens", "api-key revoke")
    ),
    "gatepost team delete",
    "gatepost user delete",
    "gatepost run",
    "gatepost demo",
    "gatepost xds",
}
"""Commands that print no data."""


@pytest.mark.parametrize(("name", "command"), EVERY_COMMAND, ids=[name for name, _ in EVERY_COMMAND])
def test_every_command_that_prints_data_takes_json(name: str, command: Command) -> None:
    takes_json = any("--json" in option.opts for option in command.params)
    assert isinstance(command, Group) or takes_json != (name in IN_A_SENTENCE)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_has_each(name: str) -> None:
    assert CLI.count(f"\n| [`gatepost {name}`](#gatepost-{name}) |") == 1


def test_no_section_outlives_its_command() -> None:
    titles = re.findall(r"^#+ (gatepost .*)$", CLI, re.MULTILINE)
    assert sorted(titles) == sorted(name for name, _ in EVERY_COMMAND)


def test_every_metric_is_documented_with_its_type_and_no_other() -> None:
    text, _ = Telemetry().render()
    served = {(name.removesuffix("_info"), kind) for name, kind in TYPE.findall(text.decode())}
    rows = re.findall(r"^\| `(gatepost_\w+)` \| (\w+) \|", METRICS, re.MULTILINE)
    # Prometheus' text format calls an info a gauge.
    documented = {(name.removesuffix("_info"), "gauge" if kind == "info" else kind) for name, kind in rows}
    assert documented == served
    assert len(rows) == len(documented)


def test_every_problem_is_documented_with_its_code_and_status_and_no_other() -> None:
    types = [value for value in vars(problems).values() if isinstance(value, problems.ProblemType)]
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", section(ERRORS, "Proxied routes"), re.MULTILINE)
    assert sorted(rows) == sorted((kind.code, str(kind.status)) for kind in types)


def test_every_oauth_error_is_documented_with_its_status() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d+) \|", section(ERRORS, "Token endpoint"), re.MULTILINE)
    assert {error: int(status) for error, status in rows} == STATUS


def test_every_field_of_the_access_log_is_documented_and_no_other() -> None:
    line = json_line("now", ("192.0.2.1", "GET", b"/", 200, 0, 0.1, "/", "shop", "1"))
    rows = re.findall(r"^\| `(\w+)` \|", section(LOGS, "Access log"), re.MULTILINE)
    assert rows == list(json.loads(line))


def test_every_further_field_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section(LOGS, "Further fields"), re.MULTILINE)
    assert rows == list(get_args(AccessField))


def test_the_example_of_an_access_line_has_every_field() -> None:
    (example,) = re.findall(r"^```json\n(.*?)^```", section(LOGS, "Access log"), re.MULTILINE | re.DOTALL)
    assert list(json.loads(example)) == re.findall(
        r"^\| `(\w+)` \|", section(LOGS, "Access log"), re.MULTILINE
    )


PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs" / "pages").rglob("*.md"))]
KEYS = sorted(all_keys(Settings))
KEY = re.compile(rf"`((?:{'|'.join(Settings.model_fields)})(?:\[\])?(?:\.(?:\w+|<name>)(?:\[\])?)+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_key_of_the_configuration_that_a_page_names_is_there(page: Path) -> None:
    named = {name for name in KEY.findall(page.read_text()) if not name.endswith((".pem", ".yaml"))}
    # What a grant's plugin adds is its own.
    assert {name for name in named if name not in KEYS and not name.startswith("grants.")} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_metric_that_a_page_names_is_there(page: Path) -> None:
    text, _ = Telemetry().render()
    served = {name for name, _ in TYPE.findall(text.decode())}
    named = set(re.findall(r"\bgatepost_[a-z_]+\b", page.read_text()))
    assert {re.sub(r"_(?:bucket|sum|count)$", "", name) for name in named} <= served


def test_the_service_is_given_the_time_to_drain() -> None:
    page = (ROOT / "docs" / "pages" / "operations" / "deploy.md").read_text()
    unit = (ROOT / "deploy" / "systemd" / "gatepost.service").read_text()
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[method-assign, assignment]  # systemd's keys have capitals
    parser.read_string(unit)
    assert parser.getint("Service", "TimeoutStopSec") > Settings().server.timeouts.drain
    (docker,) = re.findall(r"--stop-timeout (\d+)", page)
    assert int(docker) > Settings().server.timeouts.drain


def test_every_log_message_that_the_page_names_is_there() -> None:
    messages = re.findall(r"^\| `([^`]+)` \| [a-z, ]+ \|", section(LOGS, "Other events"), re.MULTILINE)
    assert messages
    source = "".join((ROOT / path).read_text() for path in sources())
    assert [message for message in messages if message not in source] == []


def test_the_first_steps_show_what_explain_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "pages" / "get-started.md").read_text()
    shown = re.findall(r"gatepost explain GET (\S+)\n```\n\n```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(shown) == 1
    monkeypatch.chdir(ROOT)
    printed = CliRunner().invoke(main, ["explain", "GET", shown[0][0]]).stdout
    assert printed.startswith(shown[0][1].removesuffix("  …\n"))
