"""What all commands have in common: the file, and durations on the command line."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.commands.options import load, load_or_exit, seconds
from gateway.config.problems import ConfigurationError
from tests.commands.conftest import gatepost


def test_the_environment_names_the_file_unless_an_option_does(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = file.rename(file.with_name("other.yaml"))
    assert gatepost("check").exit_code == 2
    monkeypatch.setenv("GATEPOST_CONFIG", str(other))
    assert gatepost("check").stdout.startswith(f"{other}: ok")
    assert "no.yaml" in gatepost("check", "-c", "no.yaml").stderr


@pytest.mark.parametrize(
    "words",
    ["check", "run", "client list", "client create", "keys list", "explain GET /", "token --client a"],
)
def test_every_command_says_what_is_wrong_with_the_file_in_the_same_words(file: Path, words: str) -> None:
    file.write_text("server: {workrs: 2}\nrouts: []\n")
    result = gatepost(*words.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "gateway.yaml:1:10: server.workrs: unknown key (did you mean workers?)",
        "gateway.yaml:2:1: routs: unknown key (did you mean routes?)",
    ]


def test_the_plugins_that_are_installed_are_known(file: Path) -> None:
    file.write_text("plugins: [{use: request_id, with: {header: X-Id}}, {use: json:JSONDecoder}]")
    with pytest.raises(ConfigurationError) as error:
        load(file)
    (problem,) = error.value.problems
    assert problem.key.startswith("plugins[1]")


def test_a_good_file_is_what_comes_back(file: Path) -> None:
    assert [one.id for one in load_or_exit(file).clients] == ["demo"]


@click.command()
@click.option("--for", "given", callback=seconds(1))
def wait(given: int | None) -> None:
    click.echo(given)


@pytest.mark.parametrize(("text", "told"), [("600", 600), ("10m", 600), ("1h", 3600), ("1000ms", 1)])
def test_durations_are_written_as_in_the_file(text: str, told: int) -> None:
    assert CliRunner().invoke(wait, ["--for", text]).stdout == f"{told}\n"
    assert CliRunner().invoke(wait, []).stdout == "\n"


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "100ms", "0", "9999999d", "10 m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    result = CliRunner().invoke(wait, ["--for", text])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for '--for': must be" in result.stderr
