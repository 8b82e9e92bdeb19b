"""The users of gateway.yaml."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from gateway.assembly.users import file_users
from gateway.config.portal import PortalUser


def test_users_keep_their_password_out_of_sight() -> None:
    (user,) = file_users([PortalUser(name="Ada", password=SecretStr("engine"), admin=True)])
    assert (user.name, user.key, user.password, user.admin, user.source) == (
        "Ada",
        "ada",
        "engine",
        True,
        "file",
    )
    assert "engine" not in repr(user)


@pytest.mark.parametrize(
    ("given", "role"),
    [
        ({}, "developer"),
        ({"admin": True}, "admin"),
        ({"role": "viewer"}, "viewer"),
        ({"admin": True, "role": "admin"}, "admin"),
    ],
)
def test_a_user_of_the_file_has_a_role(given: dict[str, Any], role: str) -> None:
    (user,) = file_users([PortalUser(name="Ada", password=SecretStr("engine"), **given)])
    assert user.role == role


@pytest.mark.parametrize("given", [{"admin": True, "role": "viewer"}, {"role": "god"}])
def test_a_role_that_can_not_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PortalUser(name="Ada", password=SecretStr("engine"), **given)
