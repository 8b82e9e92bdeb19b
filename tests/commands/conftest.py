"""The commands, on a store of the suite's and a gateway.yaml in the working directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.conftest import Valkey

CONFIG = """\
store: {{url: "{store}", prefix: "{prefix}", timeout: 1s}}
clients:
  - id: demo
    name: Demo application
    secrets: ["demo-secret", {{secret: "other-secret", name: second, expires: 2099-01-31}}]
    scopes: [orders.read]
portal:
  users: [{{name: ann, password: "long-password"}}]
upstreams: {{orders: {{servers: [{{url: "http://127.0.0.1:9001"}}]}}}}
routes:
  - {{path: /orders, methods: [GET], upstream: orders, scopes: [orders.read]}}
"""


def gatepost(*arguments: str, typed: str | None = None) -> Result:
    """What the program does with these words. What it can't cope with is an error of the test's."""
    result = CliRunner().invoke(main, arguments, input=typed, prog_name="gatepost")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def shown(*arguments: str) -> Any:
    """The JSON that a command prints, which must do what it is told."""
    result = gatepost(*arguments)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return json.loads(result.stdout)


def said(*arguments: str, code: int = 1) -> str:
    """The one line on standard error with which a command refuses."""
    result = gatepost(*arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    (line,) = result.stderr.splitlines()
    return line


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, valkey: Valkey, prefix: str) -> Path:
    """The configuration of the working directory, with keys of this test only."""
    monkeypatch.chdir(tmp_path)
    for name in ("GATEPOST_CONFIG", "GATEPOST_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "gateway.yaml"
    path.write_text(CONFIG.format(store=valkey.url, prefix=prefix))
    return path
