"""Checks of `routes[].access` and `clients[].subscriptions`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.runtime.give_way import giving_way


def subscribed_apis_there(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Clients are subscribed to APIs that need it."""
    needing = {route.api_name for route in giving_way(settings.routes) if route.access == "request"}
    every = {route.api_name for route in giving_way(settings.routes)}
    for index, client in enumerate(giving_way(settings.clients)):
        for place, api in enumerate(client.subscriptions):
            path: KeyPath = ("clients", index, "subscriptions", place)
            if api in needing:
                continue
            if api in every:
                text = "has no effect: no route of this API has access: request"
                yield CheckFinding(path, text, depends=(("routes",),))
            else:
                text = "there is no API of this name with access: request"
                yield CheckFinding(
                    path, text, depends=(("routes",),), invalid=api, valid=tuple(sorted(needing))
                )


def subscribers_known(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Who is subscribed is known by a token."""
    for index, route in enumerate(giving_way(settings.routes)):
        if route.access == "request" and route.auth == "none":
            path: KeyPath = ("routes", index, "access")
            text = "needs tokens, which say whose subscription counts: auth is none"
            yield CheckFinding(path, text, depends=(("routes", index, "auth"),))
