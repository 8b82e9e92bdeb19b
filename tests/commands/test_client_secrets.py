"""The secrets of a client: each is shown once, and works as long as it is said to."""

import hashlib
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.commands.conftest import gatepost, said, shown

pytestmark = pytest.mark.usefixtures("file")


def secrets_of(client: str = "shop") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown("client", "show", client)["secrets"]
    return found


@pytest.fixture(autouse=True)
def first(file: object) -> str:
    """The client's first secret."""
    made: str = shown("client", "create", "--id", "shop")["client_secret"]
    return made


def test_a_further_secret_has_a_name_and_an_end(first: str) -> None:
    made = shown("client", "add-secret", "shop", "--name", "next", "--expires", "2099-01-31")
    assert made["client_id"] == "shop"
    assert made["client_secret"].startswith("gps_")
    assert made["client_secret"] != first
    old, new = secrets_of()
    assert (old["expires"], new["name"], new["expires"]) == (None, "next", "2099-02-01T00:00:00Z")
    assert made["client_secret"] not in gatepost("client", "show", "shop").output


def test_a_name_is_given_once() -> None:
    shown("client", "add-secret", "shop", "--name", "next")
    line = said("client", "add-secret", "shop", "--name", "next")
    assert line == "gatepost: the client 'shop' has a secret 'next' already"


def test_an_end_that_is_none_is_refused() -> None:
    result = gatepost("client", "add-secret", "shop", "--expires", "tomorrow")
    assert result.exit_code == 2
    assert "must be a date such as 2027-01-31" in result.stderr
    assert len(secrets_of()) == 1


def test_a_rotation_ends_the_old_ones_at_once() -> None:
    (old,) = secrets_of()
    made = shown("client", "rotate-secret", "shop", "--name", "fresh")
    (new,) = secrets_of()
    assert (new["name"], new["expires"]) == ("fresh", None)
    assert new["name"] != old["name"]
    assert made["client_secret"].startswith("gps_")


@pytest.mark.parametrize("grace", ["600", "10m"])
def test_a_rotation_with_grace_lets_the_old_ones_end_later(grace: str) -> None:
    shown("client", "rotate-secret", "shop", "--grace", grace)
    new, old = secrets_of()
    assert new["expires"] is None
    left = datetime.fromisoformat(old["expires"]).timestamp() - time.time()
    assert 500 < left <= 601


def test_grace_is_no_negative_time() -> None:
    result = gatepost("client", "rotate-secret", "shop", "--grace", "-1")
    assert result.exit_code == 2
    assert "must be a duration" in result.stderr


def test_one_secret_is_ended_by_its_name() -> None:
    shown("client", "add-secret", "shop", "--name", "leaked")
    result = gatepost("client", "remove-secret", "shop", "leaked")
    assert (result.exit_code, result.stdout) == (0, "The secret leaked of shop is removed.\n")
    assert "leaked" not in [one["name"] for one in secrets_of()]
    line = said("client", "remove-secret", "shop", "leaked")
    assert line == "gatepost: the client 'shop' has no secret 'leaked'"


def test_what_is_shown_has_no_digest_of_a_secret(first: str) -> None:
    text = gatepost("client", "list").output + gatepost("client", "show", "shop").output
    assert hashlib.sha256(first.encode()).hexdigest() not in text
    assert {key for one in secrets_of() for key in one} == {"name", "created", "expires"}
    made = datetime.fromisoformat(secrets_of()[0]["created"])
    assert abs((datetime.now(UTC) - made).total_seconds()) < 120
