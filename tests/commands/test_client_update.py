"""`gatepost client update`."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import gatepost, said, shown
from tests.jose.tokens import KEY

pytestmark = pytest.mark.usefixtures("file")
CREATE = "client create --id shop --name Shop --scope a --scope b --audience https://a.example --lifetime 10m"


def changed(*arguments: str) -> dict[str, object]:
    found = shown("client", "update", "shop", *arguments)
    assert shown("client", "show", "shop") == {**found, "registered_users": 0}
    return dict(found)


def test_what_is_left_out_stays() -> None:
    before = shown(*CREATE.split())
    del before["client_secret"]
    assert changed("--name", "Store") == {**before, "name": "Store"}
    assert changed("--scope", "c") == {**before, "name": "Store", "scopes": ["c"]}


def test_every_field_can_be_changed_and_emptied(file: Path, tmp_path: Path) -> None:
    file.write_text(file.read_text() + "tiers: {bronze: 10 per 1m}\n")
    shown(*CREATE.split())
    given = "--lifetime 5m --format jwt --tier bronze --introspect --require-mtls --require-dpop"
    lists = "--audience https://b.example --auth client_secret_post --grant client_credentials"
    found = changed(*given.split(), *lists.split())
    assert (found["lifetime"], found["format"], found["tier"]) == (300, "jwt", "bronze")
    assert (found["introspect"], found["require_mtls"], found["require_dpop"]) == (True, True, True)
    assert (found["audiences"], found["auth"]) == (["https://b.example"], ["client_secret_post"])
    emptied = ("lifetime", "format", "tier", "audiences", "auth", "name", "scopes")
    off = ("--no-introspect", "--no-require-mtls", "--no-require-dpop")
    found = changed(*off, *(word for name in emptied for word in ("--unset", name)))
    assert (found["lifetime"], found["format"], found["tier"], found["name"]) == (None, None, None, "")
    assert (found["introspect"], found["require_mtls"], found["require_dpop"]) == (False, False, False)
    assert (found["audiences"], found["scopes"]) == ([], [])
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [KEY.jwk]}))
    assert "private_key_jwt" in changed("--jwks", "keys.json")["auth"]  # type: ignore[operator]  # a list


def test_a_wrong_change_changes_nothing() -> None:
    shown(*CREATE.split())
    before = shown("client", "show", "shop")
    assert "there is no tier 'gold'" in said("client", "update", "shop", "--tier", "gold", code=2)
    assert "there is no grant 'magic'" in said("client", "update", "shop", "--grant", "magic", code=2)
    assert "is not a valid scope" in said("client", "update", "shop", "--scope", 'a"b', code=2)
    assert "needs --jwks" in said("client", "update", "shop", "--auth", "private_key_jwt", code=2)
    assert shown("client", "show", "shop") == before


def test_a_client_that_is_not_there_or_of_the_file_is_not_changed() -> None:
    assert "there is no client 'nobody'" in said("client", "update", "nobody", "--name", "x")
    assert "is defined in gateway.yaml" in said("client", "update", "demo", "--name", "x")
    assert gatepost("client", "update", "shop").exit_code == 2
    assert gatepost("client", "update", "shop", "--tier", "a", "--unset", "tier").exit_code == 2
