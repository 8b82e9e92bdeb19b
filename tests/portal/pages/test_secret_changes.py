"""Several secrets for one pair of keys."""

from __future__ import annotations

import pytest

from tests.portal.reader import Reader, Sheet, call

FORM = {"grant_type": "client_credentials"}


def works(gateway: str, key: str, secret: str) -> bool:
    return bool(call(gateway, "/token", FORM, basic=f"{key}:{secret}")[0] == 200)


def both(sheet: Sheet) -> tuple[str, str]:
    return sheet.value("consumer-key"), sheet.value("consumer-secret")


def test_after_a_rotation_with_grace_both_secrets_work(developer: Reader, gateway: str) -> None:
    _, made = developer.keys()
    key, old = both(made)
    rotated = made.submit("/rotate-secret", grace="1h")
    _, new = both(rotated)
    assert new not in ("", old)
    assert (works(gateway, key, old), works(gateway, key, new)) == (True, True)


def test_after_a_rotation_without_grace_only_the_new_one_works(developer: Reader, gateway: str) -> None:
    _, made = developer.keys()
    key, old = both(made)
    _, new = both(made.submit("/rotate-secret", grace="0"))
    assert (works(gateway, key, old), works(gateway, key, new)) == (False, True)


def test_a_further_secret_has_a_name_and_an_end_and_can_be_removed(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    key, first = both(made)
    added = made.submit("/add-secret", secret_name="Build server", ends="2099-12-31")
    assert "Build server" in added.words
    assert "2099-12-31 23:59 UTC" in added.words
    _, second = both(added)
    assert (works(gateway, key, first), works(gateway, key, second)) == (True, True)
    proof = dict(added.form("/add-secret").fields)["proof"]
    body = f"proof={proof}&secret_name=Build+server".encode()
    assert "The secret is removed" in developer.open(f"{path}/remove-secret", body).words
    assert "has already been removed" in developer.open(f"{path}/remove-secret", body).words
    assert (works(gateway, key, first), works(gateway, key, second)) == (True, False)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"secret_name": "<b>"}, "A name has up to 40 letters"),
        ({"ends": "31.12.2099"}, "A date is written 2030-12-31."),
        ({"ends": "2001-01-01"}, "This day is over."),
    ],
)
def test_a_secret_that_can_not_be_is_reported_beside_its_field(
    developer: Reader, fields: dict[str, str], words: str
) -> None:
    _, made = developer.keys()
    told = made.submit("/add-secret", **fields)
    assert (told.status, words in told.words) == (422, True)


def test_two_secrets_have_two_names(developer: Reader) -> None:
    _, made = developer.keys()
    made.submit("/add-secret", secret_name="ci")
    told = made.submit("/add-secret", secret_name="ci")
    assert (told.status, "already" in told.words) == (422, True)


def test_keys_without_a_secret_say_so(developer: Reader) -> None:
    path, made = developer.keys()
    removed = made.submit("/remove-secret")
    assert "These keys have no secret" in removed.words
    assert "consumer-secret" not in developer.open(path).html
