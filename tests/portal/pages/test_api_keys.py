"""API keys of one pair of keys."""

from __future__ import annotations

from tests.portal.reader import Reader


def test_an_api_key_is_shown_once_and_can_be_revoked(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    added = made.submit("/add-api-key", key_name="Build server", key_ends="2099-12-31")
    key = added.value("api-key")
    assert "2099-12-31 23:59 UTC" in added.words
    assert "never" in added.words
    assert key.startswith("gpk_")
    assert developer.tab(path, "secrets").value("api-key") == key, "until it is stored"
    again = developer.tab(path, "secrets").submit("/stored", kind="api_key")
    assert key not in again.words
    assert f"{key[:12]}…" in again.words
    body = f"proof={dict(again.form('/add-api-key').fields)['proof']}&key_prefix={key[:12]}".encode()
    assert "The API key is revoked" in developer.open(f"{path}/revoke-api-key", body).words
    assert "has already been revoked" in developer.open(f"{path}/revoke-api-key", body).words
    assert f"{key[:12]}…" not in developer.tab(path, "secrets").words


def test_a_wrong_name_or_day_is_told_where_it_stands(developer: Reader) -> None:
    _, made = developer.keys()
    refused = made.submit("/add-api-key", key_name="!", key_ends="2001-01-01")
    assert refused.status == 422
    assert "A name has up to 40 letters" in refused.words
    assert "This day is over." in refused.words
