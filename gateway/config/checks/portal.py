"""The portal: nobody is there twice."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.finding import Finding, Surroundings
from gateway.config.model import Settings


def users_once(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """No two users have the same name; upper and lower case make no difference."""
    first: dict[str, int] = {}
    for index, user in enumerate(settings.portal.users):
        name = user.name.lower()
        if name in first:
            before = ("portal", "users", first[name], "name")
            yield Finding(("portal", "users", index, "name"), "another user has this name", first=before)
        first.setdefault(name, index)
