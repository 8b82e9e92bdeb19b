"""Who may call what under one configuration and not under another, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.assembly.example_tokens import example_tokens
from gateway.config.differences import differences, route_name, summary
from gateway.config.model import Settings
from gateway.config.routes import RouteSettings
from gateway.oauth.bearer import check_access
from gateway.oauth.model import TokenInfo

MAX_CALLS = 5
"""Calls that one line lists; of more, only their number is given."""

ANYONE = "anyone"
"""The caller without a token."""


@dataclass(frozen=True, slots=True)
class AccessChange:
    """What a caller gains or loses."""

    caller: str
    """A client id, or `ANYONE`."""
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    """Methods and paths, such as `POST /orders`."""

    @property
    def lines(self) -> Iterator[str]:
        """The change in words."""
        for verb, calls in (("may no longer call", self.lost), ("may now call", self.gained)):
            if calls:
                more = f" and {len(calls) - MAX_CALLS} more" if len(calls) > MAX_CALLS else ""
                yield f"{self.caller} {verb} {', '.join(calls[:MAX_CALLS])}{more}"


def change_report(old: Settings, new: Settings) -> list[str]:
    """What a reload from `old` to `new` changes: who may call what, then every key that differs."""
    lines = [line for change in access_changes(old, new) for line in change.lines]
    return [*lines, *summary(differences(old, new))]


def access_changes(old: Settings, new: Settings) -> list[AccessChange]:
    """The callers whose reach differs."""
    before, after = _Reach(old), _Reach(new)
    changed = {
        name
        for name in before.routes.keys() | after.routes.keys()
        if before.routes.get(name) != after.routes.get(name)
    }
    open_before, open_after = before.calls(ANYONE, changed), after.calls(ANYONE, changed)
    found = []
    for caller in dict.fromkeys([*before.tokens, *after.tokens]):
        # A client that stays the same is judged on the routes that don't.
        routes = changed if before.of(caller) == after.of(caller) else None
        had, has = before.calls(caller, routes), after.calls(caller, routes)
        # What is open to all needs no line for each client.
        gained = tuple(call for call in has if call not in had and call not in open_before)
        lost = tuple(call for call in had if call not in has and call not in open_after)
        if gained or lost:
            found.append(AccessChange(caller, gained, lost))
    return found


class _Reach:
    """Which routes each caller reaches under one configuration."""

    def __init__(self, settings: Settings) -> None:
        self.routes = {route_name(route): route for route in settings.routes if route.enabled}
        self._subscriptions = {client.id: client.subscriptions for client in settings.clients}
        self.tokens: dict[str, TokenInfo | None] = {ANYONE: None}
        self.tokens |= {
            client: token if isinstance(token, TokenInfo) else None
            for client, token in example_tokens(settings).items()
        }

    def of(self, caller: str) -> tuple[TokenInfo | None, tuple[str, ...]]:
        """What a caller's reach depends on, beside the routes."""
        return self.tokens.get(caller), tuple(self._subscriptions.get(caller, ()))

    def calls(self, caller: str, routes: set[str] | None) -> dict[str, None]:
        """Methods and paths that the caller may call, on these routes; None: on all."""
        if caller not in self.tokens:
            return {}
        token = self.tokens[caller]
        names = self.routes if routes is None else [name for name in self.routes if name in routes]
        reached = (self.routes[name] for name in names if self._may(caller, token, self.routes[name]))
        return {call: None for route in reached for call in _calls(route)}

    def _may(self, caller: str, token: TokenInfo | None, route: RouteSettings) -> bool:
        if route.auth == "none":
            return caller == ANYONE
        if token is None or not route.own_tokens:
            return False
        if route.access == "request" and route.api_name not in self._subscriptions[caller]:
            return False
        return check_access(token, frozenset(route.scopes), route.audience, 0, proven=token.cnf) is None


def _calls(route: RouteSettings) -> Iterator[str]:
    where = f" where {route.conditions}" if route.where is not None else ""
    place = f"{route.host or ''}{route.path}{where}"
    for method in route.methods or ("any method of",):
        yield f"{method} {place}"
