"""`gatepost client …`, from the first secret to the client's end."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import gatepost, said, shown
from tests.jose.tokens import KEY

pytestmark = pytest.mark.usefixtures("file")


def test_a_client_is_made_and_its_secret_shown_once() -> None:
    made = shown("client", "create", "--name", "Warehouse", "--scope", "orders.read", "--scope", "b")
    assert made["client_secret"].startswith("gps_")
    assert (made["name"], made["scopes"], made["grants"]) == (
        "Warehouse",
        ["orders.read", "b"],
        ["client_credentials"],
    )
    assert len(made["client_id"]) == 20
    again = shown("client", "show", made["client_id"])
    listed = gatepost("client", "list").stdout
    assert "client_secret" not in again
    assert made["client_secret"] not in str(again) + listed
    assert again == {key: value for key, value in made.items() if key != "client_secret"} | {
        "registered_users": 0
    }


def test_every_option_is_kept() -> None:
    words = "--id shop --audience https://a.example --audience https://b.example --lifetime 10m --format jwt"
    flags = "--introspect --require-mtls --require-dpop --grant client_credentials --auth client_secret_basic"
    made = shown("client", "create", *words.split(), *flags.split())
    kept = shown("client", "show", "shop")
    for found in (made, kept):
        assert found["client_id"] == "shop"
        assert found["audiences"] == ["https://a.example", "https://b.example"]
        assert (found["lifetime"], found["format"], found["introspect"]) == (600, "jwt", True)
        assert (found["require_mtls"], found["require_dpop"]) == (True, True)
        assert (found["auth"], found["source"]) == (["client_secret_basic"], "store")


def test_a_tier_must_be_there(file: Path) -> None:
    text = file.read_text()
    file.write_text(text + "\ntiers: {bronze: 10 per 1m}\n")
    assert shown("client", "create", "--tier", "bronze")["tier"] == "bronze"
    told = said("client", "create", "--tier", "gold", code=2)
    assert told == "gatepost: there is no tier 'gold'; there are bronze"


def test_a_client_with_keys_of_its_own_gets_no_secret(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [KEY.jwk]}))
    made = shown("client", "create", "--id", "signs", "--jwks", "keys.json")
    assert (made["auth"], made["secrets"]) == (["private_key_jwt"], [])
    assert "client_secret" not in made
    assert "uses no secret" in said("client", "rotate-secret", "signs")
    made = shown("client", "create", "--id", "shows", "--tls", "san_dns", "shop.example.org")
    assert (made["auth"], "client_secret" in made) == (["tls_client_auth"], False)


def test_keys_that_can_not_be_read_are_named(tmp_path: Path) -> None:
    line = "gatepost: can't read keys.json: No such file or directory"
    assert said("client", "create", "--jwks", "keys.json", code=2) == line
    (tmp_path / "keys.json").write_text("[]")
    assert said("client", "create", "--jwks", "keys.json", code=2).startswith("gatepost: keys.json ")


def test_file_and_store_are_listed_together() -> None:
    shown("client", "create", "--id", "shop")
    listed = shown("client", "list", "--json")
    assert [(one["client_id"], one["source"]) for one in listed] == [("demo", "file"), ("shop", "store")]
    assert shown("client", "show", "demo")["name"] == "Demo application"


def test_an_id_is_taken_once() -> None:
    shown("client", "create", "--id", "shop")
    assert "shop" in said("client", "create", "--id", "shop")
    assert (
        said("client", "create", "--id", "demo") == "gatepost: the client 'demo' is defined in gateway.yaml"
    )


@pytest.mark.parametrize(
    "words", ["disable", "enable", "delete", "rotate-secret", "add-secret", "remove-secret x"]
)
def test_clients_of_the_file_are_changed_there_and_strangers_not_at_all(words: str) -> None:
    command, *rest = words.split()
    change = "gatepost: the client 'demo' is defined in gateway.yaml: change it there"
    assert said("client", command, "demo", *rest) == change
    assert said("client", command, "nobody", *rest) == "gatepost: there is no client 'nobody'"


@pytest.mark.parametrize("command", ["show", "revoke-tokens"])
def test_strangers_are_not_known(command: str) -> None:
    assert said("client", command, "nobody") == "gatepost: there is no client 'nobody'"


def test_a_client_is_switched_off_and_on_and_removed() -> None:
    shown("client", "create", "--id", "shop")
    for command, text, enabled in [
        ("disable", "shop is disabled, and all its tokens are revoked.\n", False),
        ("enable", "shop is enabled.\n", True),
        ("revoke-tokens", "All tokens of shop are revoked.\n", True),
    ]:
        result = gatepost("client", command, "shop")
        assert (result.exit_code, result.stdout) == (0, text)
        assert shown("client", "show", "shop")["enabled"] == enabled
    result = gatepost("client", "delete", "shop")
    assert result.stdout == "shop is deleted, and all its tokens are revoked.\n"
    assert said("client", "show", "shop") == "gatepost: there is no client 'shop'"


def test_tokens_of_a_client_of_the_file_can_be_ended_too() -> None:
    assert gatepost("client", "revoke-tokens", "demo").stdout == "All tokens of demo are revoked.\n"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--lifetime 0", "at least 1"),
        ("--lifetime soon", "must be a duration"),
        ("--lifetime 1.5", "whole seconds"),
        ("--format saml", "'saml' is not one of"),
        ("--auth password", "'password' is not one of"),
        ("--tls dns shop", "'dns' is not one of"),
        ("--nonsense", "No such option"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_done(options: str, text: str) -> None:
    result = gatepost("client", "create", "--id", "shop", *options.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert text in result.stderr
    assert said("client", "show", "shop") == "gatepost: there is no client 'shop'"


def test_a_missing_file_is_exit_code_2(file: Path) -> None:
    file.unlink()
    assert said("client", "list", code=2) == "gateway.yaml:1:1: can't be read: No such file or directory"
