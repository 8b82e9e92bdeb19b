"""Clients and their secrets, changed from the command line under a running gateway."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.conftest import Valkey
from tests.standards.caller import FORM, Caller, basic


def run(gateway: Caller, *words: str) -> str:
    name, *rest = words
    result = CliRunner().invoke(main, ["client", name, "-c", str(gateway.running.file), *rest])
    assert result.exit_code == 0, result.output
    return result.stdout


def printed(gateway: Caller, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(gateway, *words))
    return found


def asked(gateway: Caller, client: str, secret: str) -> tuple[int, str]:
    headers = {"Content-Type": FORM, **basic(client, secret)}
    body = b"grant_type=client_credentials&validity_period=600"
    reply = gateway.ask("POST", "/token", body, headers)
    return reply.status, reply.json.get("access_token") or reply.error


REFUSED = (401, "invalid_client")


def test_a_named_secret_of_the_file_is_good_until_its_end(gateway: Caller) -> None:
    assert asked(gateway, "dated", "dated-secret")[0] == 200
    assert asked(gateway, "dated", "coming-secret")[0] == 200
    assert asked(gateway, "dated", "ended-secret") == REFUSED


def test_secrets_are_added_rotated_and_removed_without_a_gap(gateway: Caller) -> None:
    made = printed(gateway, "create", "--id", "kept", "--name", "Kept")
    first = made["client_secret"]
    second = printed(gateway, "add-secret", "kept", "--name", "second", "--expires", "2099-01-01")[
        "client_secret"
    ]
    assert {asked(gateway, "kept", secret)[0] for secret in (first, second)} == {200}
    third = printed(gateway, "rotate-secret", "kept", "--grace", "60", "--name", "third")["client_secret"]
    assert {asked(gateway, "kept", secret)[0] for secret in (first, second, third)} == {200}
    run(gateway, "remove-secret", "kept", "second")
    assert asked(gateway, "kept", second) == REFUSED
    fourth = printed(gateway, "rotate-secret", "kept")["client_secret"]
    assert asked(gateway, "kept", third) == asked(gateway, "kept", first) == REFUSED
    assert asked(gateway, "kept", fourth)[0] == 200
    run(gateway, "delete", "kept")


def test_secrets_are_listed_without_their_values_and_lie_hashed_in_the_store(
    gateway: Caller, valkey: Valkey
) -> None:
    made = printed(gateway, "create", "--id", "listed")
    added = printed(gateway, "add-secret", "listed", "--name", "next", "--expires", "2099-01-31T12:00:00Z")
    shown = run(gateway, "show", "listed") + run(gateway, "list")
    with valkey.client as client:
        kept = client.hget("standards:clients", "listed")
    for secret in (made["client_secret"], added["client_secret"]):
        assert secret not in shown
        assert secret.encode() not in kept
    last = printed(gateway, "show", "listed")["secrets"][-1]
    assert (last["name"], last["expires"]) == ("next", "2099-01-31T12:00:00Z")
    run(gateway, "delete", "listed")


@pytest.mark.parametrize("way", ["disable", "delete", "revoke-tokens"])
def test_who_disables_or_removes_a_client_ends_its_tokens_on_the_next_request(
    gateway: Caller, way: str
) -> None:
    secret = printed(gateway, "create", "--id", f"ended-{way}")["client_secret"]
    tokens = [asked(gateway, f"ended-{way}", secret)[1] for _ in range(3)]
    assert all(gateway.accepts(token) for token in tokens)
    run(gateway, way, f"ended-{way}")
    gateway.until_refused(tokens)
    status, _ = asked(gateway, f"ended-{way}", secret)
    assert status == (200 if way == "revoke-tokens" else 401)
    if way == "disable":
        run(gateway, "enable", f"ended-{way}")
        assert asked(gateway, f"ended-{way}", secret)[0] == 200
        assert not any(gateway.accepts(token) for token in tokens)
    if way != "delete":
        run(gateway, "delete", f"ended-{way}")


def test_what_cannot_be_done_is_said_in_a_line(gateway: Caller) -> None:
    for words in (
        ("disable", "nobody"),
        ("add-secret", "nobody"),
        ("remove-secret", "shop", "x"),
        ("enable", "shop"),
        ("create", "--id", "shop"),
        ("create", "--id", "ADA"),
    ):
        name, *rest = words
        result = CliRunner().invoke(main, ["client", name, "-c", str(gateway.running.file), *rest])
        assert result.exit_code == 1
        assert result.stderr.startswith("gatepost: ")
        assert "Traceback" not in result.output
    wrong = CliRunner().invoke(main, ["client", "add-secret", "shop", "--expires", "soon"])
    assert "must be a date" in wrong.output
