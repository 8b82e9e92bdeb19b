"""Clients: each id once, and no grant that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.finding import Finding, Surroundings
from gateway.config.model import Settings


def ids_once(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """No two clients have the same id."""
    first: dict[str, int] = {}
    for index, client in enumerate(settings.clients):
        if client.id in first:
            before = ("clients", first[client.id], "id")
            yield Finding(("clients", index, "id"), "another client has this id", first=before)
        first.setdefault(client.id, index)


def grants_known(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """A client's grants are listed under `grants`, be they switched on or off."""
    for index, client in enumerate(settings.clients):
        for place, grant in enumerate(client.grants):
            if grant in surroundings.grants:
                continue
            known = grant in surroundings.known_grants
            right = () if known else (*surroundings.grants, *surroundings.known_grants)
            text = "this grant is not listed under grants" if known else "there is no such grant"
            yield Finding(
                ("clients", index, "grants", place),
                text,
                depends=(("grants",),) if not surroundings.grants else (),
                wrong=grant,
                right=tuple(right),
            )


def api_keys_once(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """No two clients have the same API key: whose request it is would be a matter of chance."""
    first: dict[bytes, tuple[int, int]] = {}
    for index, client in enumerate(settings.clients):
        for place, key in enumerate(client.api_keys):
            if key.digest in first:
                holder, at = first[key.digest]
                before = ("clients", holder, "api_keys", at)
                yield Finding(
                    ("clients", index, "api_keys", place), "this API key stands here twice", first=before
                )
            first.setdefault(key.digest, (index, place))
