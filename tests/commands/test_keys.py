import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.certificates import Certificate
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
    assert "share tokens.keys" in result.stderr
    refused = CliRunner().invoke(main, ["keys", "rotate", "--at-once"])
    assert refused.exit_code == 1
    assert "use a master key that is not in tokens.keys" in refused.stderr


def test_keys_in_files_are_the_operators(file: Path) -> None:
    Certificate().file(file.parent, "key")
    file.write_text("tokens: {signing: {keys: [key.pem]}}")
    result = CliRunner().invoke(main, ["keys", "rotate"])
    assert result.exit_code == 1
    assert "tokens.signing.keys lists key files" in result.stderr


def report(*arguments: str, code: int = 0, says: str = "") -> dict[str, Any]:
    """What `keys check` or `keys adopt` prints, with its exit code and what it says on standard error."""
    result = CliRunner().invoke(main, ["keys", *arguments])
    assert result.exit_code == code, result.output
    assert says in result.stderr
    shown: dict[str, Any] = json.loads(result.stdout)
    return shown


def create_client() -> None:
    result = CliRunner().invoke(main, ["client", "create", "--name", "Shop", "--id", "shop"])
    assert result.exit_code == 0, result.output


ALL_CURRENT = {
    "master_key": "current",
    "records": {"current": 1, "older": 0, "unsigned": 0},
    "signing_keys": "current",
}


def test_check_shows_what_depends_on_which_key(file: Path) -> None:
    base = file.read_text().replace("tokens: {", "tokens: {keys: KEYS, ")

    def with_keys(*keys: str) -> None:
        file.write_text(base.replace("KEYS", json.dumps([key * 32 for key in keys])))

    with_keys("a")
    assert report("check")["master_key"] == "unused"
    create_client()
    run("rotate")
    assert report("check") == ALL_CURRENT
    with_keys("b", "a")
    assert report("check") == {
        "master_key": "older",
        "records": {"current": 0, "older": 1, "unsigned": 0},
        "signing_keys": "older",
    }
    with_keys("a", "b")
    assert report("check") == ALL_CURRENT
    with_keys("b")
    assert report("check", code=1)["master_key"] == "other"


def test_a_lost_master_key_is_replaced_by_adopt_and_the_clients_stay(file: Path) -> None:
    create_client()
    before = run("rotate")
    (file.parent / ".gatepost" / "token.key").unlink()
    found = report("check", code=1, says="use a master key that is not in tokens.keys")
    assert (found["master_key"], found["records"]["unsigned"], found["signing_keys"]) == ("other", 1, "other")
    shown = CliRunner().invoke(main, ["client", "list"])
    assert shown.exit_code == 1
    assert "use a master key that is not in tokens.keys" in shown.stderr
    assert report("adopt", "--yes") == ALL_CURRENT
    assert report("check") == ALL_CURRENT
    shown = CliRunner().invoke(main, ["client", "list"])
    assert "shop" in shown.stdout
    assert run("list") != before


def test_adopt_asks_first(file: Path) -> None:
    create_client()
    (file.parent / ".gatepost" / "token.key").unlink()
    assert CliRunner().invoke(main, ["keys", "adopt"], input="n\n").exit_code == 1
    assert report("check", code=1)["master_key"] == "other"


def test_records_that_somebody_else_wrote_are_counted(file: Path, valkey: Valkey, prefix: str) -> None:
    create_client()
    with valkey.client as server:
        server.hset(f"{prefix}users", "eve", '{"name":"eve","password":"x","admin":true}')
    found = report("check", code=1, says="1 clients, applications or users in the store are ignored")
    assert found["records"] == {"current": 1, "older": 0, "unsigned": 1}
