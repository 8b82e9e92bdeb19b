"""The users of gateway.yaml as the gateway knows them."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.config.portal import PortalUser
from gateway.oauth.people import User


def file_users(settings: Iterable[PortalUser]) -> list[User]:
    """Every user of the file."""
    return [User(user.name, user.password.get_secret_value(), user.admin) for user in settings]
