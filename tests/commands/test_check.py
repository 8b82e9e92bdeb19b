import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main

GOOD = """\
upstreams: {o: {servers: [{url: "${ORDERS_URL:-http://h}"}]}}
clients: [{id: a, secrets: [a-secret-of-32-characters-or-more]}]
routes:
  - {path: /a, upstream: o}
  - {path: /b, upstream: o, plugins: [{use: request_id}]}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration of the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEPOST_CONFIG", raising=False)
    (tmp_path / "gateway.yaml").write_text(GOOD)
    return tmp_path / "gateway.yaml"


def test_a_good_file_is_summed_up(file: Path) -> None:
    result = CliRunner().invoke(main, ["check"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "gateway.yaml: ok (2 routes, 1 client, 1 upstream)\n"


def test_a_warning_is_a_line_on_standard_error_and_no_problem(file: Path) -> None:
    file.write_text(GOOD.replace("a-secret-of-32-characters-or-more", "short"))
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 0
    assert result.stdout.startswith("gateway.yaml: ok")
    (line,) = result.stderr.splitlines()
    assert line.startswith("gateway.yaml:2:29: warning: clients[0].secrets[0]: ")
    assert "short" not in line


def test_every_problem_is_a_line_on_standard_error(file: Path) -> None:
    file.write_text(GOOD.replace("path: /b", "path: b").replace("upstream: o}", "upstream: oo}"))
    result = CliRunner().invoke(main, ["check"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "gateway.yaml:4:26: routes[0].upstream: there is no upstream of this name (did you mean o?)",
        "gateway.yaml:5:12: routes[1].path: must begin with /",
    ]


def test_as_json_a_file_is_an_object_with_its_problems_or_counts(file: Path) -> None:
    result = CliRunner().invoke(main, ["check", "--json"])
    good = {"ok": True, "problems": [], "warnings": [], "routes": 2, "clients": 1, "upstreams": 1}
    assert (result.exit_code, json.loads(result.stdout)) == (0, good)
    file.write_text(GOOD.replace("path: /b", "path: b"))
    result = CliRunner().invoke(main, ["check", "--json"])
    problem = {
        "file": "gateway.yaml",
        "line": 5,
        "column": 12,
        "key": "routes[1].path",
        "text": "must begin with /",
    }
    assert (result.exit_code, json.loads(result.stdout)) == (
        2,
        {"ok": False, "problems": [problem | {"text": "must begin with /"}]},
    )


def test_another_file_can_be_named(file: Path) -> None:
    other = file.rename(file.with_name("other.yaml"))
    for options, env in [
        (["-c", str(other)], {}),
        (["--config", str(other)], {}),
        ([], {"GATEPOST_CONFIG": str(other)}),
    ]:
        result = CliRunner().invoke(main, ["check", *options], env=env)
        assert (result.exit_code, result.stdout.split(":")[0]) == (0, str(other))


def test_a_missing_file_is_a_problem(file: Path) -> None:
    result = CliRunner().invoke(main, ["check", "-c", "no.yaml"])
    assert (result.exit_code, result.stderr) == (2, "no.yaml:1:1: can't be read: No such file or directory\n")


def test_the_environment_has_its_say(file: Path) -> None:
    result = CliRunner().invoke(main, ["check"], env={"ORDERS_URL": "s3cret"})
    assert result.exit_code == 2
    assert "upstreams.o.servers[0].url: must be a URL" in result.stderr
    assert "s3cret" not in result.output


def test_the_shipped_file_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    result = CliRunner().invoke(main, ["check", "-c", "gateway.yaml"])
    assert (result.exit_code, result.stdout) == (0, "gateway.yaml: ok (3 routes, 1 client, 1 upstream)\n")
    # Its secrets are for the demo.
    assert {line.split(": ")[2] for line in result.stderr.splitlines()} == {
        "clients[0].secrets[0]",
        "portal.users[0].password",
    }


def test_check_secrets_lists_and_counts_what_is_left(file: Path) -> None:
    file.write_text(GOOD + 'tokens: {key: "${KEY:-kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk}"}\n')
    result = CliRunner().invoke(main, ["check", "--secrets"])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == [
        "gateway.yaml:2:29: clients[0].secrets[0]: in plain text",
        "gateway.yaml:6:15: tokens.key: from the environment",
        "2 secrets",
    ]
    assert "kkkk" not in result.output
