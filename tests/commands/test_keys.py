import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.conftest import Valkey


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, valkey: Valkey, prefix: str) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEPOST_CONFIG", raising=False)
    path = tmp_path / "gateway.yaml"
    path.write_text(
        f"store: {{url: '{valkey.url}', prefix: '{prefix}'}}\ntokens: {{signing: {{algorithm: EdDSA}}}}\n"
    )
    return path


def run(*arguments: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(main, ["keys", *arguments])
    assert result.exit_code == 0, result.output
    assert "PRIVATE" not in result.output
    shown: list[dict[str, Any]] = json.loads(result.stdout)
    return shown


def test_a_rotation_adds_a_key_that_waits(file: Path) -> None:
    assert run("list") == []
    (first,) = run("rotate")
    assert (first["algorithm"], first["state"], first["published_until"]) == ("EdDSA", "signs", None)
    old, new = run("rotate")
    assert (old["kid"], old["state"], new["state"]) == (first["kid"], "signs", "waits")
    assert old["published_until"] > new["signs_from"]
    assert run("list") == [old, new]
    refused = CliRunner().invoke(main, ["keys", "rotate"])
    assert refused.exit_code == 1
    assert "a new key is published already" in refused.stderr


def test_at_once_leaves_the_new_key_alone(file: Path) -> None:
    before = run("rotate")
    (new,) = run("rotate", "--at-once")
    assert new["state"] == "signs"
    assert new["kid"] != before[0]["kid"]
    assert run("list") == [new]


def test_another_token_key_cannot_read_the_keys_and_says_so(file: Path) -> None:
    run("rotate")
    (file.parent / ".gatepost" / "token.key").unlink()
    result = CliRunner().invoke(main, ["keys", "list"])
    assert result.exit_code == 1
    assert "share tokens.key" in result.stderr
    assert len(run("rotate", "--at-once")) == 1


def test_keys_in_files_are_the_operators(file: Path) -> None:
    (file.parent / "key.pem").write_text("")
    file.write_text("tokens: {signing: {keys: [key.pem]}}")
    result = CliRunner().invoke(main, ["keys", "rotate"])
    assert result.exit_code == 1
    assert "the keys are files" in result.stderr
