"""`gatepost token`, asking a real gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.token import plain_secret, token_request
from tests.commands.conftest import gatepost, shown
from tests.config.example import settings
from tests.conftest import Valkey
from tests.running import Running

CONFIG = """\
store: {url: "%s", prefix: "commands-token:"}
server: {listen: [{host: 127.0.0.1, port: 0}, {host: 127.0.0.1, port: 0, tls: auto}], state_dir: state}
management: false
clients:
  - {id: demo, secrets: ["demo-secret"], scopes: [orders.read], audiences: ["https://api.example"]}
  - {id: "a b&c", secrets: ["p:ss w/rd%%"]}
  - {id: hashed, secrets: ["sha256:84ca44583745ccf15b7bf24814907969c6afa3e380daf3bbe35a353fe192dace"]}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("token")
    gateway = Running(CONFIG % valkey.url, folder)
    gateway.await_ready()
    yield gateway
    gateway.stop()


@pytest.fixture(autouse=True)
def here(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory is the gateway's, and the environment says nothing."""
    monkeypatch.chdir(running.file.parent)
    for name in ("GATEPOST_CONFIG", "GATEPOST_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)


def token(running: Running, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = shown("token", "--url", running.http, *words)
    return found


def test_a_client_of_the_file_needs_only_its_id(running: Running) -> None:
    answer = token(running, "--client", "demo")
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "am_application_scope default")
    assert 0 < answer["expires_in"] <= 3600
    assert token(running, "--client", "a b&c")["access_token"] != answer["access_token"]


def test_scope_lifetime_and_resource_are_asked_for(running: Running) -> None:
    words = ("--scope", "orders.read", "--validity-period", "2m", "--resource", "https://api.example")
    answer = token(running, "--client", "demo", *words)
    assert (answer["scope"], answer["expires_in"]) == ("am_application_scope orders.read", 120)


def test_the_gateways_own_certificate_is_trusted(running: Running) -> None:
    url = running.https.replace("127.0.0.1", "localhost")
    assert "access_token" in shown("token", "--url", url, "--client", "demo")


def test_the_public_url_is_asked_where_no_other_is_named(running: Running) -> None:
    other = running.file.with_name("public.yaml")
    text = running.file.read_text().replace("server: {", f"server: {{public_url: '{running.http}', ")
    other.write_text(text)
    assert "access_token" in shown("token", "-c", "public.yaml", "--client", "demo")


def test_a_secret_is_given_or_taken_from_the_environment_or_asked_for(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("token", "--url", running.http, "--client", "hashed")
    assert "access_token" in shown(*words, "--secret", "hunter2-hunter2")
    asked = gatepost(*words, typed="hunter2-hunter2\n")
    assert (asked.exit_code, asked.stderr) == (0, "Secret: \n")
    assert "access_token" in json.loads(asked.stdout)
    monkeypatch.setenv("GATEPOST_CLIENT_SECRET", "hunter2-hunter2")
    assert "access_token" in shown(*words)
    monkeypatch.delenv("GATEPOST_CLIENT_SECRET")
    assert gatepost(*words, typed="").exit_code == 1


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("--client demo --secret wrong", "invalid_client"),
        ("--client nobody --secret wrong", "invalid_client"),
        ("--client demo --scope orders.write", "invalid_scope"),
        ("--client demo --validity-period 48h", "invalid_request"),
        ("--client demo --resource https://other.example", "invalid_target"),
    ],
)
def test_what_the_gateway_refuses_goes_to_standard_error(running: Running, words: str, error: str) -> None:
    result = gatepost("token", "--url", running.http, *words.split())
    assert (result.exit_code, result.stdout) == (1, "")
    assert json.loads(result.stderr)["error"] == error


def test_where_nobody_answers_it_says_so_in_a_line(running: Running) -> None:
    result = gatepost("token", "--client", "demo", "--url", "http://127.0.0.1:1")
    assert (result.exit_code, result.stdout) == (1, "")
    text = (
        "gatepost: no response from http://127.0.0.1:1/token: connection refused; is the gateway running?\n"
    )
    assert result.stderr == text


def test_a_certificate_of_others_is_not_trusted(running: Running) -> None:
    other = running.file.with_name("other.yaml")
    other.write_text(running.file.read_text().replace("state_dir: state", "state_dir: elsewhere"))
    url = running.https.replace("127.0.0.1", "localhost")
    result = gatepost("token", "-c", "other.yaml", "--client", "demo", "--url", url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "its certificate is not trusted: " in result.stderr


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1:1", "http://[", "file:///etc/hostname"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    result = gatepost("token", "--client", "demo", "--url", url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "must begin with http:// or https://" in result.stderr


def test_the_client_must_be_named() -> None:
    result = gatepost("token")
    assert result.exit_code == 2
    assert "Missing option '--client'" in result.stderr


def test_only_a_plain_secret_of_the_file_can_be_shown_again() -> None:
    digest = "sha256:" + "0" * 64
    a = f"{{id: a, secrets: ['{digest}', {{secret: x, name: n}}]}}"
    text = f"clients: [{a}, {{id: b, secrets: ['{digest}']}}]"
    assert plain_secret(settings(text), "a") == "x"
    assert plain_secret(settings(text), "b") is None
    assert plain_secret(settings(text), "c") is None


def test_both_halves_of_the_credentials_are_form_encoded() -> None:
    """RFC 6749 section 2.3.1."""
    request = token_request("https://h/", "a:b", "c d%", [("scope", "x y")])
    assert request.full_url == "https://h/token"
    assert request.get_header("Authorization") == "Basic YSUzQWI6YytkJTI1"
    assert request.data == b"scope=x+y"
