"""Checks of `portal`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings


def users_once(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """User names are unique, ignoring case."""
    first: dict[str, int] = {}
    for index, user in enumerate(settings.portal.users):
        name = user.name.lower()
        if name in first:
            earlier = ("portal", "users", first[name], "name")
            yield CheckFinding(
                ("portal", "users", index, "name"), "another user has this name", first=earlier
            )
        first.setdefault(name, index)
