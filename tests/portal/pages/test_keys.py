"""Keys: generated once, configured, disabled, removed."""

from __future__ import annotations

import json

import pytest

from tests.portal.reader import Reader, call

FORM = {"grant_type": "client_credentials"}


def test_generated_keys_get_a_token_that_opens_an_api(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    key, secret = made.value("consumer-key"), made.value("consumer-secret")
    status, token = call(gateway, "/token", {**FORM, "scope": "orders.read"}, basic=f"{key}:{secret}")
    assert (status, token["token_type"]) == (200, "Bearer")
    assert call(gateway, "/orders/7", bearer=token["access_token"]) == (200, {"path": "/7"})
    again = developer.open(path)
    assert again.value("consumer-key") == key
    assert again.value("consumer-secret") == secret, "shown until it is stored, however often one looks"
    stored = again.submit("/stored")
    assert "It is not shown any more." in stored.words
    assert secret not in stored.html
    assert secret not in developer.open(path).html


def test_what_is_shown_once_is_shown_to_nobody_else_and_not_after_signing_out(
    developer: Reader, admin: Reader
) -> None:
    path, made = developer.keys()
    secret = made.value("consumer-secret")
    assert secret not in admin.open(path).html
    for cookie in developer.cookies:
        admin.cookies.set_cookie(cookie) if "shown" in cookie.name else None
    assert secret not in admin.open(path).html, "its cookie is of no use to others"


def test_a_secret_that_has_ended_is_not_shown_any_more(developer: Reader) -> None:
    path, made = developer.keys()
    secret = made.value("consumer-secret")
    made.submit("/remove-secret")
    assert secret not in developer.open(path).html


def test_each_tab_has_its_part_and_before_there_are_keys_none_is_there(developer: Reader) -> None:
    path = developer.application() + "/production"
    assert developer.tab(path, "danger").url.endswith("/production")
    developer.open(path).submit("/generate-keys")
    for name, words in {
        "secrets": "Rotate the secret",
        "settings": "Client authentication",
        "danger": "Remove these keys",
    }.items():
        sheet = developer.tab(path, name)
        assert (sheet.status, words in sheet.words) == (200, True)
    assert developer.open(f"{path}/rotate-secret").url.endswith("/production/secrets"), "reloaded"


def test_only_the_pages_own_script_hears_what_the_gateway_has_seen(developer: Reader) -> None:
    path, made = developer.keys()
    script = {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors"}
    proof = made.html.partition('data-proof="')[2].partition('"')[0]
    assert json.loads(developer.open(f"{path}/progress", X_Portal_Proof=proof, **script).body) == {
        "token": False,
        "call": False,
        "refused": False,
    }
    assert developer.open(f"{path}/progress", X_Portal_Proof="0" * 64, **script).status == 403
    assert developer.open(f"{path}/progress", **script).status == 403


def test_production_and_sandbox_have_keys_of_their_own(developer: Reader) -> None:
    path, production = developer.keys()
    sandbox = developer.open(path.replace("/production", "/sandbox")).submit("/generate-keys")
    assert production.value("consumer-key") != sandbox.value("consumer-key")
    overview = developer.open(path.rpartition("/")[0]).words
    assert overview.count("Enabled") == 2


def test_generating_twice_changes_nothing(developer: Reader) -> None:
    path = developer.application() + "/production"
    old_page = developer.open(path)
    key = old_page.submit("/generate-keys").value("consumer-key")
    twice = old_page.submit("/generate-keys")
    assert "already exist" in twice.words
    assert twice.value("consumer-key") == key


def test_who_reloads_the_answer_to_a_form_gets_the_page(developer: Reader) -> None:
    path, _ = developer.keys()
    assert developer.open(f"{path}/generate-keys").url.endswith(path)


def test_a_grant_that_is_not_ticked_gives_no_token_until_it_is_again(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    unticked = made.submit("/configure", drop=["grant"])
    assert "Saved." in unticked.words
    assert "Enable the Client credentials grant to generate a token here" in developer.open(path).words
    status, error = call(gateway, "/token", FORM, basic=credentials)
    assert (status, error["error"]) == (400, "unauthorized_client")
    developer.tab(path, "settings").submit("/configure", grant="client_credentials")
    assert "Generate token" in developer.open(path).words
    assert call(gateway, "/token", FORM, basic=credentials)[0] == 200


def test_lifetime_and_scopes_are_as_configured(developer: Reader, gateway: str) -> None:
    _, made = developer.keys()
    credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    made.submit("/configure", scope="orders.write", lifetime="120")
    status, token = call(gateway, "/token", {**FORM, "scope": "orders.write"}, basic=credentials)
    assert (status, token["expires_in"] <= 120) == (200, True)
    status, error = call(gateway, "/token", {**FORM, "scope": "orders.read"}, basic=credentials)
    assert (status, error["error"]) == (400, "invalid_scope")


def test_format_and_way_of_authentication_are_as_configured(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    key, secret = made.value("consumer-key"), made.value("consumer-secret")
    made.submit("/configure", format="jwt", auth="client_secret_post")
    posted = {**FORM, "scope": "orders.read", "client_id": key, "client_secret": secret}
    status, token = call(gateway, "/token", posted)
    assert (status, token["access_token"].count(".")) == (200, 2)
    assert call(gateway, "/orders", bearer=token["access_token"])[0] == 200
    assert call(gateway, "/token", FORM, basic=f"{key}:{secret}")[0] == 401
    kept = dict(developer.tab(path, "settings").form("/configure").fields)
    assert (kept["format"], kept["auth"]) == ("jwt", "client_secret_post")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"lifetime": "0"}, "A whole number of seconds from 1 to 86400"),
        ({"lifetime": "86401"}, "A whole number of seconds from 1 to 86400"),
        ({"lifetime": "1h"}, "A whole number of seconds from 1 to 86400"),
        ({"scope": "admin.all"}, "You may not give one of these scopes."),
        ({"format": "saml"}, "There is no such format."),
        ({"auth": "none"}, "There is no such method."),
        ({"grant": "password"}, "One of these grants is switched off"),
        ({"audience": "https://evil.example"}, "no API with one of these audiences"),
    ],
)
def test_a_configuration_that_can_not_be_is_reported_beside_its_field(
    developer: Reader, fields: dict[str, str], words: str
) -> None:
    _, made = developer.keys()
    told = made.submit("/configure", **fields)
    assert (told.status, words in told.words) == (422, True)
    for name, value in fields.items():
        if name == "lifetime":
            assert (name, value) in told.form("/configure").fields


def test_an_administrator_gives_scopes_that_no_route_asks_for(admin: Reader, gateway: str) -> None:
    path, made = admin.keys(f"of-admin-{id(admin)}")
    credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    made.submit("/configure", more_scopes="reports.all audit")
    assert call(gateway, "/token", {**FORM, "scope": "audit"}, basic=credentials)[0] == 200
    told = admin.open(path).submit("/configure", more_scopes='a"b')
    assert "A scope is printable ASCII" in told.words


def test_a_developer_can_not_add_scopes_past_the_boxes(developer: Reader, gateway: str) -> None:
    _, made = developer.keys()
    credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    made.submit("/configure", more_scopes="audit")
    assert call(gateway, "/token", {**FORM, "scope": "audit"}, basic=credentials)[0] == 400


def test_disabled_keys_and_their_tokens_are_refused_until_enabled(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    _, token = call(gateway, "/token", {**FORM, "scope": "orders.read"}, basic=credentials)
    assert "The keys are disabled" in made.submit("/disable").words
    assert call(gateway, "/orders", bearer=token["access_token"])[0] == 401
    assert call(gateway, "/token", FORM, basic=credentials)[0] == 401
    assert "The keys are enabled" in developer.open(path).submit("/enable").words
    assert call(gateway, "/token", FORM, basic=credentials)[0] == 200
    assert call(gateway, "/orders", bearer=token["access_token"])[0] == 401


def test_keys_are_removed_when_it_is_meant(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    key = made.value("consumer-key")
    credentials = f"{key}:{made.value('consumer-secret')}"
    assert "Select the checkbox to confirm." in made.submit("/clean-up").words
    assert call(gateway, "/token", FORM, basic=credentials)[0] == 200
    removed = made.submit("/clean-up", sure="yes")
    assert "No production keys yet" in removed.words
    assert call(gateway, "/token", FORM, basic=credentials)[0] == 401
    assert developer.open(path).submit("/generate-keys").value("consumer-key") != key


def test_two_windows_never_overwrite_each_others_settings(developer: Reader) -> None:
    path, _ = developer.keys()
    first, second = developer.tab(path, "settings"), developer.tab(path, "settings")
    assert first.submit("/configure", lifetime="61").status == 200
    refused = second.submit("/configure", lifetime="62")
    assert refused.status == 409
    assert "This was changed meanwhile" in refused.words
    assert "<dd>61</dd>" in refused.html
    assert 'value="62"' in refused.html
    assert 'value="61"' in developer.tab(path, "settings").html
    assert refused.submit("/configure").status == 200
    assert 'value="62"' in developer.tab(path, "settings").html
