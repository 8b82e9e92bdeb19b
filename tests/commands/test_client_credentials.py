"""`gatepost client create` for clients with keys and certificates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from gateway.cli import main
from gateway.commands.client_credentials import unfit_credentials
from gateway.oauth.values import Client
from tests.client_keys import signer
from tests.conftest import Valkey


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (Client("a", auth=frozenset({"private_key_jwt"})), "private_key_jwt needs --jwks"),
        (
            Client("a", auth=frozenset({"self_signed_tls_client_auth"})),
            "self_signed_tls_client_auth needs --jwks",
        ),
        (Client("a", auth=frozenset({"tls_client_auth"}), jwks="{}"), "tls_client_auth needs --tls"),
        (Client("a", tls_subject=("san_ip", "x")), "the san_ip must be an IP address"),
    ],
)
def test_what_a_client_lacks_is_said(wanted: Client, problem: str) -> None:
    assert list(unfit_credentials(wanted)) == [problem]


def test_what_fits_is_let_be() -> None:
    every = frozenset({"private_key_jwt", "tls_client_auth", "client_secret_post"})
    assert not list(
        unfit_credentials(Client("a", auth=every, jwks="{}", tls_subject=("san_dns", "a.example")))
    )
    assert not list(unfit_credentials(Client("a")))


@pytest.fixture
def config(tmp_path: Path, valkey: Valkey, prefix: str) -> Path:
    file = tmp_path / "gateway.yaml"
    file.write_text(yaml.safe_dump({"store": {"url": valkey.url, "prefix": prefix}}))
    (tmp_path / "keys.json").write_text(json.dumps(signer("ES256").jwks))
    (tmp_path / "secret.json").write_text(json.dumps({"keys": [{"kty": "oct", "k": "AAAA"}]}))
    return file


def run(config: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["client", arguments[0], "-c", str(config), *arguments[1:]])
    return result.exit_code, result.output


def made(config: Path, *arguments: str) -> dict[str, Any]:
    code, output = run(config, "create", *arguments)
    assert code == 0, output
    value: dict[str, Any] = json.loads(output)
    return value


def test_a_client_with_keys_gets_no_secret_and_none_later(config: Path) -> None:
    shown = made(config, "--id", "shop", "--jwks", str(config.with_name("keys.json")), "--require-dpop")
    assert "client_secret" not in shown
    assert (shown["auth"], shown["require_dpop"]) == (["private_key_jwt"], True)
    for command in ("rotate-secret", "add-secret"):
        code, output = run(config, command, "shop")
        assert code == 1
        assert "uses no secret" in output
    assert json.loads(run(config, "show", "shop")[1])["auth"] == ["private_key_jwt"]


def test_a_client_with_a_certificate_gets_no_secret(config: Path) -> None:
    shown = made(config, "--tls", "san_dns", "shop.example", "--require-mtls")
    assert "client_secret" not in shown
    assert (shown["auth"], shown["require_mtls"]) == (["tls_client_auth"], True)


def test_who_is_to_use_a_secret_gets_one(config: Path) -> None:
    keys = str(config.with_name("keys.json"))
    both = made(config, "--jwks", keys, "--auth", "private_key_jwt", "--auth", "client_secret_basic")
    assert both["client_secret"].startswith("gps_")
    assert made(config)["client_secret"].startswith("gps_")


@pytest.mark.parametrize(("name", "words"), [("secret.json", "public key"), ("missing.json", "can't read")])
def test_a_file_without_public_keys_is_refused(config: Path, name: str, words: str) -> None:
    code, output = run(config, "create", "--jwks", str(config.with_name(name)))
    assert code == 1
    assert words in output
    assert "AAAA" not in output
