"""Keys and tokens by REST, from the first keys to the last."""

from __future__ import annotations

from typing import Any

import pytest

from tests.portal.api.program import Program
from tests.portal.reader import call

FORM = {"grant_type": "client_credentials"}
WANTED = {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"], "validityTime": "3600"}


def made(program: Program, **changes: Any) -> tuple[str, dict[str, Any]]:
    """An application's path, and its new keys."""
    _, application = program.ask("POST", "/applications", {"name": f"Shop {len(changes)}"})
    path = f"/applications/{application['applicationId']}"
    status, keys = program.ask("POST", f"{path}/generate-keys", WANTED | changes)
    assert status == 200, keys
    return path, keys


def works(program: Program, keys: dict[str, Any], secret: str) -> bool:
    """Whether the token endpoint takes these keys."""
    return bool(call(program.base, "/token", FORM, basic=f"{keys['consumerKey']}:{secret}")[0] == 200)


def test_generated_keys_come_with_a_secret_and_a_token(program: Program) -> None:
    path, keys = made(program, scopes=["am_application_scope", "default", "orders.read"])
    assert (keys["keyType"], keys["keyState"], keys["scopes"]) == ("PRODUCTION", "APPROVED", ["orders.read"])
    assert keys["token"]["tokenScopes"] == ["am_application_scope", "default"]
    assert 0 < keys["token"]["validityTime"] <= 3600
    assert works(program, keys, keys["consumerSecret"])
    listed = program.ask("GET", f"{path}/oauth-keys")[1]["list"]
    assert [one["consumerKey"] for one in listed] == [keys["consumerKey"]]
    assert "consumerSecret" not in listed[0]
    assert program.ask("POST", f"{path}/generate-keys", WANTED)[0] == 409


def test_a_token_opens_an_api_and_can_replace_another(program: Program) -> None:
    path, keys = made(program)
    there = f"{path}/oauth-keys/{keys['keyMappingId']}/generate-token"
    wanted = {"consumerSecret": keys["consumerSecret"], "scopes": ["orders.read"]}
    _, first = program.ask("POST", there, wanted)
    assert call(program.base, "/orders", bearer=first["accessToken"])[0] == 200
    _, second = program.ask("POST", there, {**wanted, "revokeToken": first["accessToken"]})
    assert call(program.base, "/orders", bearer=first["accessToken"])[0] == 401
    assert call(program.base, "/orders", bearer=second["accessToken"])[0] == 200
    _, short = program.ask("POST", there, {"validityPeriod": 5})
    assert short["validityTime"] <= 5


@pytest.mark.parametrize(
    "wrong", [{"consumerSecret": "no"}, {"scopes": ["admin"]}, {"validityPeriod": 999_999}]
)
def test_a_token_that_can_not_be_is_refused(program: Program, wrong: dict[str, Any]) -> None:
    path, keys = made(program)
    status, problem = program.ask("POST", f"{path}/oauth-keys/{keys['keyMappingId']}/generate-token", wrong)
    assert (status, problem["code"]) == (400, "400")


def test_after_a_rotation_the_old_secret_is_refused_unless_it_has_grace(program: Program) -> None:
    path, keys = made(program)
    there = f"{path}/oauth-keys/{keys['keyMappingId']}/regenerate-secret"
    _, second = program.ask("POST", there)
    assert not works(program, keys, keys["consumerSecret"])
    assert works(program, keys, second["consumerSecret"])
    _, third = program.ask("POST", there, {"gracePeriod": 60})
    assert works(program, keys, second["consumerSecret"])
    assert works(program, keys, third["consumerSecret"])


def test_keys_are_changed_disabled_enabled_and_cleaned_up(program: Program) -> None:
    path, keys = made(program)
    there = f"{path}/oauth-keys/{keys['keyMappingId']}"
    _, changed = program.ask("PUT", there, {"scopes": [], "validityTime": 60})
    assert (changed["scopes"], changed["validityTime"]) == ([], 60)
    assert program.ask("PUT", there, {"enabled": False})[1]["keyState"] == "REJECTED"
    assert not works(program, keys, keys["consumerSecret"])
    assert program.ask("PUT", there, {"enabled": True})[1]["keyState"] == "APPROVED"
    assert works(program, keys, keys["consumerSecret"])
    assert program.ask("POST", f"{there}/clean-up") == (204, None)
    assert not works(program, keys, keys["consumerSecret"])
    assert program.ask("GET", there)[0] == 404


def test_format_and_authentication_are_chosen_and_given_back(program: Program) -> None:
    path, keys = made(
        program, tokenFormat="jwt", tokenEndpointAuthMethod="client_secret_post", validityTime=60
    )
    there, basic = f"{path}/oauth-keys/{keys['keyMappingId']}", f"{keys['consumerKey']}:"
    assert (keys["tokenFormat"], keys["tokenEndpointAuthMethod"]) == ("jwt", "client_secret_post")
    assert keys["token"]["accessToken"].count(".") == 2
    assert not works(program, keys, keys["consumerSecret"])
    shown = {"client_id": basic[:-1], "client_secret": keys["consumerSecret"]}
    assert call(program.base, "/token", FORM | shown)[0] == 200
    kept = program.ask("PUT", there, {"scopes": []})[1]
    assert (kept["tokenFormat"], kept["tokenEndpointAuthMethod"], kept["validityTime"]) == (
        "jwt",
        "client_secret_post",
        60,
    )
    default = {"tokenFormat": None, "tokenEndpointAuthMethod": None, "validityTime": None}
    changed = program.ask("PUT", there, default)[1]
    assert {name: changed[name] for name in default} == default
    assert works(program, keys, keys["consumerSecret"])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"grantTypesToBeSupported": ["password"]}, "grantTypes: "),
        ({"scopes": ["admin"]}, "scopes: "),
        ({"audiences": ["https://evil.example"]}, "audiences: "),
        ({"validityTime": 999_999}, "validityTime: "),
        ({"validityTime": "1h"}, "validityTime"),
        ({"keyType": "TEST"}, "keyType: "),
        ({"tokenFormat": "saml"}, "tokenFormat"),
        ({"tokenEndpointAuthMethod": "none"}, "tokenEndpointAuthMethod"),
    ],
)
def test_keys_that_can_not_be_are_refused(program: Program, wrong: dict[str, Any], words: str) -> None:
    _, application = program.ask("POST", "/applications", {"name": "Wrong"})
    path = f"/applications/{application['applicationId']}/generate-keys"
    status, problem = program.ask("POST", path, WANTED | wrong)
    assert (status, words in problem["detail"]) == (400, True), problem
