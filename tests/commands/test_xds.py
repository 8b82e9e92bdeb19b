"""`gatepost xds` as a command."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.commands.conftest import gatepost


def test_the_bootstrap_names_the_server(file: Path) -> None:
    result = gatepost("xds", "--bootstrap", "--listen", "unix:/run/x.sock")
    assert (result.exit_code, result.stderr) == (0, "")
    found = yaml.safe_load(result.stdout)
    assert found["dynamic_resources"]["ads_config"]["api_type"] == "DELTA_GRPC"


@pytest.mark.parametrize("wrong", ["unix:x.sock", "localhost", "http://h:1", "h:port"])
def test_an_address_that_is_none_is_refused(wrong: str) -> None:
    result = gatepost("xds", "--listen", wrong)
    assert result.exit_code == 2
    assert "must be HOST:PORT, or unix: and an absolute path" in result.stderr


def test_over_tcp_envoys_must_show_certificates(file: Path) -> None:
    for options in (("--listen", "127.0.0.1:0"), ("--listen", "unix:/x", "--certificate", str(file))):
        result = gatepost("xds", *options)
        assert result.exit_code == 2
        assert "HOST:PORT needs --certificate, --key and --client-ca" in result.stderr


def test_a_file_with_a_problem_is_not_served(file: Path) -> None:
    file.write_text("routes: [{path: /a}]")
    result = gatepost("xds", "--listen", "unix:/tmp/x.sock")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "routes[0].upstream: is missing" in result.stderr
