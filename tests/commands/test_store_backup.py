"""`gatepost store export` and `import`: what can't be made anew moves gatepost in one sealed file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.conftest import Valkey

Run = Callable[..., Result]


@pytest.fixture
def gatepost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, valkey: Valkey, prefix: str) -> Run:
    """Runs a command for one of two stores: each has a store of its own, and the master key that is given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEPOST_CONFIG", raising=False)

    def run(name: str, *arguments: str, key: str = "k", ok: bool = True) -> Result:
        file = tmp_path / f"{name}.yaml"
        store = {"url": valkey.url, "prefix": f"{prefix}{name}:"}
        file.write_text(json.dumps({"store": store, "tokens": {"key": key * 32}}))
        result = CliRunner().invoke(main, [*arguments, "-c", str(file)])
        assert not ok or result.exit_code == 0, result.output
        return result

    return run


def fill(gatepost: Run, name: str = "old") -> None:
    gatepost(name, "client", "create", "--id", "shop", "--scope", "read")
    gatepost(name, "client", "create", "--id", "gone", "--scope", "read")
    gatepost(name, "client", "disable", "gone")
    gatepost(name, "keys", "rotate")


def shown(result: Result) -> Any:
    return json.loads(result.stdout)


def test_a_new_store_has_the_clients_and_keys_of_the_old_one(
    gatepost: Run, tmp_path: Path, valkey: Valkey, prefix: str
) -> None:
    fill(gatepost)
    exported = shown(gatepost("old", "store", "export", "backup"))
    assert (exported["clients"], exported["signing_keys"]) == (2, 1)
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    assert "shop" not in (tmp_path / "backup").read_text()
    imported = shown(gatepost("new", "store", "import", "backup"))
    assert (imported["written"]["clients"], imported["written"]["signing_keys"]) == (2, 1)
    for words in (("client", "show", "shop"), ("client", "show", "gone"), ("keys", "list")):
        assert shown(gatepost("new", *words)) == shown(gatepost("old", *words))
    with valkey.client as other:
        generation = other.get(f"{prefix}new:g:gone")
        assert isinstance(generation, bytes)
        assert generation.startswith(b"!"), "a disabled client stays so"
    again = shown(gatepost("new", "store", "import", "backup"))
    assert (sum(again["written"].values()), again["same"], again["conflicts"]) == (0, 2, [])


def test_a_file_with_a_passphrase_opens_under_another_master_key(gatepost: Run, tmp_path: Path) -> None:
    fill(gatepost)
    (tmp_path / "secret").write_text("open sesame\n")
    gatepost("old", "store", "export", "backup", "--passphrase-file", "secret")
    refused = gatepost("new", "store", "import", "backup", key="n", ok=False)
    assert refused.exit_code == 1
    assert "give --passphrase-file" in refused.stderr
    gatepost("new", "store", "import", "backup", "--passphrase-file", "secret", key="n")
    assert shown(gatepost("new", "client", "show", "shop", key="n"))["scopes"] == ["read"]
    assert shown(gatepost("new", "keys", "check", key="n"))["records"]["unsigned"] == 0


def test_what_is_there_and_differs_is_never_overwritten_in_silence(gatepost: Run) -> None:
    fill(gatepost)
    gatepost("old", "store", "export", "backup")
    gatepost("new", "client", "create", "--id", "shop", "--scope", "write")
    refused = gatepost("new", "store", "import", "backup", ok=False)
    assert refused.exit_code == 1
    assert "clients shop" in shown(refused)["conflicts"]
    assert shown(gatepost("new", "client", "show", "shop"))["scopes"] == ["write"]
    assert gatepost("new", "client", "show", "gone", ok=False).exit_code == 1, "nothing was written"
    gatepost("new", "store", "import", "--overwrite", "backup")
    assert shown(gatepost("new", "client", "show", "shop"))["scopes"] == ["read"]


def test_other_signing_keys_are_a_conflict(gatepost: Run) -> None:
    fill(gatepost)
    gatepost("old", "store", "export", "backup")
    gatepost("new", "keys", "rotate")
    refused = gatepost("new", "store", "import", "backup", ok=False)
    assert shown(refused)["conflicts"] == ["signing keys"]
    gatepost("new", "store", "import", "--overwrite", "backup")
    assert shown(gatepost("new", "keys", "list")) == shown(gatepost("old", "keys", "list"))


def test_files_that_are_there_or_are_none_are_reported(gatepost: Run, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("mine")
    exported = gatepost("old", "store", "export", "backup", ok=False)
    assert (exported.exit_code, (tmp_path / "backup").read_text()) == (1, "mine")
    assert "File exists" in exported.stderr
    assert "no file of" in gatepost("old", "store", "import", "backup", ok=False).stderr
    assert "No such file" in gatepost("old", "store", "import", "nothing", ok=False).stderr
