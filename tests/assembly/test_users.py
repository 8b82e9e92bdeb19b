"""The users of gateway.yaml."""

from __future__ import annotations

from pydantic import SecretStr

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
