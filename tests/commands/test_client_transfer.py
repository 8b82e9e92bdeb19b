"""`gatepost client import` and `export`."""

import json
from pathlib import Path

import pytest

from gateway.oauth.secret_hashes import read_hash
from tests.commands.conftest import gatepost, said, shown

pytestmark = pytest.mark.usefixtures("file")
PBKDF2 = "pbkdf2_sha256$1000$seasalt$" + "A" * 43 + "="
CSV = f"id,name,secrets,scopes\nshop,Shop,first secret,a b\nmill,Mill,{PBKDF2},a\n"
KEPT = read_hash(PBKDF2)


def imported(path: Path, text: str, *options: str) -> dict[str, object]:
    path.write_text(text)
    return dict(shown("client", "import", str(path), *options))


def exported(*options: str) -> list[dict[str, object]]:
    return list(shown("client", "export", *options))


@pytest.fixture
def clients(tmp_path: Path) -> Path:
    path = tmp_path / "clients.csv"
    assert imported(path, CSV)["created"] == 2
    return path


def test_clients_come_in_and_go_out_in_every_format(clients: Path, tmp_path: Path) -> None:
    names = {one["client_id"]: one["name"] for one in shown("client", "list", "--json")}
    assert names == {"demo": "Demo application", "mill": "Mill", "shop": "Shop"}
    whole = exported("--hashes")
    assert whole[0]["secrets"] == [{"secret": KEPT, "name": "imported-1"}]
    for name in ("out.csv", "out.json", "out.ndjson", "out.jsonl"):
        file = tmp_path / name
        assert gatepost("client", "export", "--hashes", str(file)).exit_code == 0
        assert file.stat().st_mode & 0o077 == 0
        told = shown("client", "import", "--update", str(file))
        assert (told["updated"], told["unchanged"]) == (0, 2)
        for client in ("mill", "shop"):
            gatepost("client", "delete", client)
        assert shown("client", "import", str(file))["created"] == 2
        assert exported("--hashes") == whole


def test_no_secret_goes_out_and_no_hash_unless_asked(clients: Path) -> None:
    text = gatepost("client", "export", "--format", "csv").stdout
    assert text.splitlines()[0].startswith("id,name")
    assert "first secret" not in text
    assert "sha256" not in text
    assert "first secret" not in gatepost("client", "export", "--hashes").stdout


def test_standard_input_and_output(tmp_path: Path) -> None:
    result = gatepost("client", "import", "--format", "ndjson", "-", typed='{"id": "a", "secrets": "s"}\n')
    assert json.loads(result.stdout)["created"] == 1
    assert gatepost("client", "export", "--format", "ndjson", "-").stdout == (
        '{"id": "a", "grants": ["client_credentials"], "scopes": []}\n'
    )


def test_clients_that_are_there_stay_unless_they_are_to_be_updated(clients: Path) -> None:
    clients.write_text("id,scopes\nshop,c\nmill,a\n")
    before = exported("--hashes")
    result = gatepost("client", "import", str(clients))
    assert result.exit_code == 2  # they have no credentials, as new ones
    clients.write_text(CSV + "new,New,third secret,a\n")
    result = gatepost("client", "import", str(clients))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"{clients}:{line}:1: id: there is a client of this id already (--update changes it)"
        for line in (2, 3)
    ]
    assert exported("--hashes") == before
    told = imported(clients, "id,scopes\nshop,c\nmill,a\n", "--update")
    assert (told["created"], told["updated"], told["unchanged"]) == (0, 1, 1)
    shop = exported("--hashes")[1]
    assert (shop["scopes"], shop["secrets"]) == (["c"], before[1]["secrets"])


def test_every_problem_is_reported_and_nothing_written(tmp_path: Path) -> None:
    path = tmp_path / "clients.ndjson"
    path.write_text(
        '{"id": "ok", "secrets": "s"}\n{"id": "demo", "secrets": "s"}\n'
        '{"id": "x", "secrets": "s", "tier": "t"}\n{'
    )
    result = gatepost("client", "import", str(path))
    assert (result.exit_code, result.stdout) == (2, "")
    lines = [line.removeprefix(f"{path}:").split(":")[0] for line in result.stderr.splitlines()]
    assert lines == ["2", "3", "4"]
    assert exported() == []


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    told = imported(tmp_path / "a.json", '[{"id": "a"}]', "--dry-run", "--generate-secrets")
    assert (told["created"], told["dry_run"]) == (1, True)
    assert "client_secrets" not in told
    assert exported() == []


def test_generated_secrets_are_shown_once(tmp_path: Path) -> None:
    told = imported(tmp_path / "a.json", '[{"id": "a"}, {"id": "b", "secrets": "s"}]', "--generate-secrets")
    assert set(told["client_secrets"]) == {"a"}  # type: ignore[call-overload]  # a mapping
    assert shown("client", "show", "a")["secrets"][0]["name"] != ""


def test_a_file_that_can_not_be_read_or_written_is_reported(tmp_path: Path, clients: Path) -> None:
    assert "No such file" in said("client", "import", "no.csv", code=2)
    assert "is not UTF-8" in said("client", "import", _binary(tmp_path), code=2)
    assert gatepost("client", "import", "clients").exit_code == 2
    assert "File exists" in said("client", "export", str(clients))


def _binary(tmp_path: Path) -> str:
    path = tmp_path / "binary.csv"
    path.write_bytes(b"id\n\xff\n")
    return str(path)
